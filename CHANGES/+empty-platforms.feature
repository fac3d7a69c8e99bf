Platforms without packages have empty index documents, so that commands in channels of noarch packages get no 404.
