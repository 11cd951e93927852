"""One file a widget: a part that several screens show, or one that has enough to say of itself."""
