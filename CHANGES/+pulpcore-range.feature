The plugin installs with every pulpcore from 3.123.1 until 3.130.
