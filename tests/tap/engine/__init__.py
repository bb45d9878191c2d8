"""Tests of tap.engine."""
