"""Tests of tap.auth."""
