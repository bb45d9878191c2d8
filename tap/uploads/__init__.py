"""Upload formats, one a file. None yet: the service declares no upload method (TAP 1.1 §2.5 is optional)."""
