"""What an assistant may do for its user: tools over MCP that ask a TAP service over HTTP, with the user's rights and no others."""
