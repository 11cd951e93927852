"""Textual user interface. Screens display state, and ``oauth``, ``tokens`` and ``store`` do the work."""
