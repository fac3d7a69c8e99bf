Packages of older tools are accepted: a `.conda` file with an empty `metadata.json`, as conda-package-handling wrote it until
2022; an `index.json` without `build_number`, which is 0; one without `subdir` if the URL, or `platform` and `arch`, give it;
and whole floats instead of integers. Unreadable parts of `about.json` are dropped, and `run_exports.json` may be a string or
null.
