"""Ranges from one shard to another, and what is left behind."""
