A page for people at every channel's URL: packages with search, their files, and the lines to copy for each client.
