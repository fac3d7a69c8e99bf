"""Configuration of web servers in front of Pulp, for the native client APIs."""
