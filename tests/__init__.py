"""Tests mirror the tree; beside it contract/ (the standards), clients/ (real ones) and house/ (the code itself)."""
