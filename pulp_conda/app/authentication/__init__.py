"""Who asks: access tokens, remembered passwords, and where clients put either."""
