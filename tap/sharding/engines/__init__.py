"""The engines that hold shards: servers behind postgres_fdw, or workers of Citus."""
