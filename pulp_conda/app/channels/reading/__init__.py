"""What a channel holds, for those who look: pages, lists and look-ups."""
