Pulp's own repair of a damaged file fetches it from the upstream with the credentials and the checks of its remote.
