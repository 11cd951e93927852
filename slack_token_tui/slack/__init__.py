"""Slack's OAuth and Web API protocol, without storage or user interface."""
