"""What a web server in front of Pulp needs for the native client APIs."""
