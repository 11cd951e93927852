"""Storage of profiles, apps and settings on disk, and of tokens in the system keyring."""
