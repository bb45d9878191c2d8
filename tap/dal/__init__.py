"""The simple services over the tables of this service: cone searches (SCS) and image searches (SIA)."""
