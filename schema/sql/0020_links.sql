-- Where the rows of a table lead: identifier, links and products (schema/links.py), and the links of columns by their names.
ALTER TABLE armillary.tables ADD linking jsonb, ADD column_links jsonb;
