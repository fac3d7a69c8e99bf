Added remotes (`remotes/conda/conda/`): upstream channels with their authentication (none, basic, bearer, token in the path, API
key), filters for what is taken, and Pulp's network fields. Secrets are stored encrypted, go to the server of the remote's `url`
only, and have to be given again if that server changes.
