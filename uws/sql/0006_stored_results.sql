-- Results by what they hold, so that a job that asks for the same again finds them.
CREATE INDEX jobs_by_content ON uws.jobs ((results -> 0 ->> 'content'))
    WHERE phase = 'COMPLETED' AND NOT deleted AND results -> 0 ->> 'content' <> '';
