"""Getting a token: from a key press to a saved profile."""
