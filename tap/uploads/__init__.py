"""Tables that come with a query: read from VOTable, Parquet, FITS or CSV, into temporary tables of its session."""
