"""Whole tables in and out: many files, HATS catalogues, folders, buckets and web servers (docs/bulk.md)."""
