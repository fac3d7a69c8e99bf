"""Models, one file per noun."""
