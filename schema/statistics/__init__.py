"""What is known of a table's rows without looking at them: rows by HEALPix cell, and how values of columns are distributed.

`measure.py` asks the database, `columns.py` and `cells.py` are its answers as values, `store.py` keeps them (docs/adr/0025).
"""
