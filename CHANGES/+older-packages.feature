Packages of older tools are taken: a `.conda` file whose `metadata.json` is empty, as conda-package-handling wrote it until 2022,
an `index.json` without `build_number`, which is 0, or without `subdir` where the URL or `platform` and `arch` say it, and whole
floats in place of integers. What cannot be read of `about.json` is dropped, and `run_exports.json` may be a string or null.
