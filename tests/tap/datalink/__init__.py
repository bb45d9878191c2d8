"""Links of rows, what results say of them, and products."""
