"""Access to the user's machine: browser, clipboard, environment, and programs that use a port."""
