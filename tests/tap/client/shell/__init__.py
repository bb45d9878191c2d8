"""Tests of tapsh."""
