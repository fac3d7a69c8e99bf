Packages of older tools are taken: a `.conda` file whose `metadata.json` is empty, as conda-package-handling wrote it until 2022.
