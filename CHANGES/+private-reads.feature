Reads of private channels cost about as much as reads of public ones, and less than half of what they did.
