"""Command-line interface: one module per command, and the code that they share."""
