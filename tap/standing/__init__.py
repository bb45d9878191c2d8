"""Queries that are asked again whenever their data have changed."""
