Packages can be uploaded with rattler-build, pixi and anaconda-client: Quetz's, prefix.dev's, Artifactory's and anaconda.org's APIs are understood, with their `--force` and `--skip-existing`.
