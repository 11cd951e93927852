"""What a shell and a script can ask for: one file a command, and what several of them share."""
