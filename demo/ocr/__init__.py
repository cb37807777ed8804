"""Reading text with PP-OCRv4: all that happens around its three networks, in NumPy."""
