"""Profiles, apps and settings on disk, and tokens in the operating system's keyring."""
