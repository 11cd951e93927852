"""One file a screen: what a person can do there, and what comes of it."""
