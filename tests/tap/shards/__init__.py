"""Tests of tables on shards."""
