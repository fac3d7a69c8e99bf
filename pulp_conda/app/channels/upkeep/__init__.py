"""What administrators run: clean-up, and checks of indexes and files."""
