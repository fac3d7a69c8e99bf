Uploads and removals ask the database once for who may do what, in place of 7 to 20 times.
