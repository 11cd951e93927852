"""One sign-in: authorization request, callback, exchange, saved profile."""
