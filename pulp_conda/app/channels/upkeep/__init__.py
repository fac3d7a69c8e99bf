"""Clean-up of channels, and checks of their indexes and files."""
