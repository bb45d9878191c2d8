"""ivoa.obscore (ObsCore 1.1): one view of the observations in tables that an operator describes."""
