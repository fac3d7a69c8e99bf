Packages can be uploaded with rattler-build, pixi and anaconda-client. The server supports the APIs of Quetz, prefix.dev, Artifactory and anaconda.org, with `--force` and `--skip-existing`.
