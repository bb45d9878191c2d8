"""Jobs and parameters for any service that follows DALI and UWS; knows no ADQL, no table, no VOTable."""
