Other plugins can use pytest fixtures that create repositories, distributions, publications and packages.
