"""Tests of adql."""
