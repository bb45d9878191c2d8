"""Files into tables on shards."""
