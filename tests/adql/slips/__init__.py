"""Queries with the slips that people make, each with what was meant: `slips.txt`."""
