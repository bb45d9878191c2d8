"""The description of all endpoints for programs that read such (OpenAPI 3.1)."""
