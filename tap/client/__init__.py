"""What users run on their own machines: jobs of any TAP service with lists of any length."""
