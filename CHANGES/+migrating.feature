A guide and a script for moving an owner's channels from Forgejo or Gitea. The list of an owner who does not exist, or is not to be known, is 404.
