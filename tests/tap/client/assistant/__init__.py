"""Tests of tap/client/assistant."""
