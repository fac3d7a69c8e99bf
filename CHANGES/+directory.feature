`/` and `/api/packages/OWNER/conda/` show a page that lists the channels one may read, with a search and what to type to
upload and install.
