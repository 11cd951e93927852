"""The interface on a terminal: screens show, and what they do is done on the floors below."""
