"""`tapsh`, the command line for users of any TAP service: queries, what is published, files in and out."""
