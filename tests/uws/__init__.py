"""Tests of uws."""
