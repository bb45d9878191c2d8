"""Citus: workers hold the rows of distributed tables, and its coordinator is the service's database."""
