"""What the documents say, held against the service, and the site that they make."""
