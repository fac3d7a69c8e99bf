"""Authentication: access tokens, remembered passwords, and where clients send them."""
