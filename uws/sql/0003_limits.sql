-- How many jobs of its share may run beside a job, where its owner has a limit of their own; 0 is none.
ALTER TABLE uws.jobs ADD running_limit integer;
-- Which list a job is in: a service may have several.
ALTER TABLE uws.jobs ADD job_list text NOT NULL DEFAULT 'async';
