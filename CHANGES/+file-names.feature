Names in a package are also checked as Windows and macOS interpret them. Refused are other spellings of files that only
clients write (`conda-meta\x`, `conda-meta.`, `::$DATA`, short names, invisible characters), files that some system would
write through a link, and `python_site_packages_path` with backslashes or drives. Control characters, and characters that
change the direction of text, are refused in names and in notices.
