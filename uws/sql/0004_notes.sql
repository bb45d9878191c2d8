-- What the owner of a job writes down about it.
ALTER TABLE uws.jobs ADD note text;
