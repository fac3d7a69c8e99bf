"""The one-command server: pulpcore's processes and a PostgreSQL on one machine, one origin.

For trying out, for small installations and for the tests. `python -m pulp_conda.server --help`.
"""
