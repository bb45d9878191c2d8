"""Where SQL runs: a PostgreSQL that the operator names, or a private cluster that we start ourselves."""
