"""The TAP service: HTTP in, queries through adql, results out. Knows all the other packages."""
