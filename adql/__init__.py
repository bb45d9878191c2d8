"""ADQL 2.1 → PostgreSQL: pure functions from text to SQL. Imports of the house: schema's model and types only."""
