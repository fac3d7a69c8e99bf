Uploads that wait for a channel at the same time share a version: eight clients make a seventh of the versions, in half the processor time.
