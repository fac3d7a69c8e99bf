A `.tar.bz2` package of several bzip2 streams is refused: rattler and pixi read the first of them and install what is in it.
