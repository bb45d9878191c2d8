"""Tests of tap/openapi."""
