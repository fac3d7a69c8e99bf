Added the setting `CONDA_UPSTREAM_ALLOWED_NETWORKS`: remotes reach loopback, private and link-local addresses only if the operator allows their network.
