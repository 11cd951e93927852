"""Keeping tokens: one file a profile."""
