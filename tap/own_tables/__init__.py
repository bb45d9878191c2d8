"""Tables of accounts' own as clients make and change them: VOSI 1.2's draft, CADC's and TAP+'s interfaces, results of jobs."""
