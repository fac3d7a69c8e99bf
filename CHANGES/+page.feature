Every channel's URL has a web page: packages with a search, their files, and the commands for each client.
