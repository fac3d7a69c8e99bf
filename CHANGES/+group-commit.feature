Uploads that wait at the same time take turns at their channel and share versions: eight clients make a seventh of the versions that they would make alone, for half the processor time.
