`bin/serve` makes a checkout into a running server, with its own PostgreSQL, on one origin.
