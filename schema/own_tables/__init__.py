"""Tables of accounts' own: made, filled, changed, shared, dropped, within a quota. Each change is one transaction."""
