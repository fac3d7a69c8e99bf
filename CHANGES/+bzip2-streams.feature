A `.tar.bz2` package of several bzip2 streams is refused, because rattler and pixi read only the first stream and install the files in it.
