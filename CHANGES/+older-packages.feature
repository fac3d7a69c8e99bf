Packages of older tools are taken: a `.conda` file whose `metadata.json` is empty, as conda-package-handling wrote it until 2022,
an `index.json` without `build_number`, which is 0, and whole floats in place of integers.
