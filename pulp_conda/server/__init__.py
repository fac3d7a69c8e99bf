"""The one-command server: Pulp's processes and a PostgreSQL on one machine, under one origin.

It is for trying out, for small installations and for tests. See
`python -m pulp_conda.server --help`.
"""
