"""Tests of tap."""
