"""Tests of tap/client."""
