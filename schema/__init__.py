"""What is published: tables, columns and their types, TAP_SCHEMA, and the ways into the database.

The bottom of the house: imports none of the other packages.
"""
