"""A query from its request to the bytes of its result: run.py is the main line."""
