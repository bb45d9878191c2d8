-- The columns of an operator's own table that its description leaves out.
ALTER TABLE armillary.tables ADD COLUMN omitted text[] NOT NULL DEFAULT '{}';
