`/` and `/api/packages/OWNER/conda/` show a page that lists the channels that one may read, with a search and the commands
for uploads and installations.
