"""Settings with their defaults; pulpcore loads this module into its own."""
