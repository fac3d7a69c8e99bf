"""How a channel changes: uploads and removals become one new version at a time."""
