"""Tests of tap/pages."""
