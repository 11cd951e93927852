"""Slack's protocol, and nothing else."""
