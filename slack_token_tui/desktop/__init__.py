"""The person's machine: browser, clipboard, who holds a port."""
