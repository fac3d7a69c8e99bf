Names in a package are judged as Windows and macOS see them too: spellings of what only clients write (`conda-meta\x`,
`conda-meta.`, `::$DATA`, short names, characters that are not shown), files that some system would write through a link, and
`python_site_packages_path` with backslashes or drives are refused. So are control characters and those that turn the direction of
text, in names and in notices.
