A guide and a script for moving an owner's channels from Forgejo or Gitea. The list of an owner that does not exist, or that the user may not see, is 404.
