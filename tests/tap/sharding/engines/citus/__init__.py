"""Tests of Citus as an engine."""
