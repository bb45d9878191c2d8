-- The job store. One row is one job; its phase is the only truth about it. What must always hold is a
-- constraint, so that no way of writing can break it.
CREATE TABLE uws.jobs (
    job_id             text PRIMARY KEY,
    owner_id           text,
    session            text,                       -- SHA-256 of the cookie by which a stranger lists own jobs
    share              text NOT NULL,              -- whose part of the queue it uses
    run_id             text,
    phase              text NOT NULL DEFAULT 'PENDING',
    creation_time      timestamptz(3) NOT NULL DEFAULT now(),
    queue_time         timestamptz,
    start_time         timestamptz(3),
    end_time           timestamptz(3),
    execution_duration integer NOT NULL,           -- seconds, 0 without limit
    destruction        timestamptz(3) NOT NULL,
    parameters         jsonb NOT NULL,             -- [[name, value], …]
    cost               double precision,           -- what the service estimates, in its own unit
    expected           double precision,           -- seconds that jobs of this cost took
    lane               text NOT NULL DEFAULT 'short',
    priority           integer NOT NULL DEFAULT 0,
    progress           jsonb NOT NULL DEFAULT '{}',
    results            jsonb NOT NULL DEFAULT '[]',
    error_message      text,
    error_type         text,
    worker             text,
    lease              timestamptz,
    attempt            integer NOT NULL DEFAULT 0,
    crashes            integer NOT NULL DEFAULT 0,
    deleted            boolean NOT NULL DEFAULT false,

    CONSTRAINT a_job_is_in_a_phase CHECK (phase IN (
        'PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED', 'HELD', 'SUSPENDED', 'ARCHIVED')),
    CONSTRAINT parameters_are_a_list CHECK (jsonb_typeof(parameters) = 'array'),
    CONSTRAINT there_are_two_lanes CHECK (lane IN ('short', 'long')),
    CONSTRAINT a_duration_is_not_negative CHECK (execution_duration >= 0),
    CONSTRAINT a_queued_job_has_its_place CHECK (phase <> 'QUEUED' OR queue_time IS NOT NULL),
    CONSTRAINT who_executes_has_a_worker_and_a_lease CHECK (
        (phase = 'EXECUTING') = (worker IS NOT NULL) AND (worker IS NULL) = (lease IS NULL)),
    CONSTRAINT who_executes_has_begun CHECK (phase <> 'EXECUTING' OR start_time IS NOT NULL),
    CONSTRAINT what_ended_has_an_end CHECK (
        (phase IN ('COMPLETED', 'ERROR', 'ABORTED', 'ARCHIVED')) = (end_time IS NOT NULL)),
    CONSTRAINT an_error_says_why CHECK (phase <> 'ERROR' OR error_message IS NOT NULL),
    CONSTRAINT an_error_has_a_type CHECK ((error_message IS NULL) = (error_type IS NULL)),
    CONSTRAINT error_types_are_two CHECK (error_type IN ('transient', 'fatal')),
    CONSTRAINT only_what_is_complete_has_results CHECK (phase = 'COMPLETED' OR results = '[]')
) WITH (fillfactor = 70);

-- Leases and progress change every two seconds: no index holds them, so that such updates stay in their page.
CREATE INDEX waiting ON uws.jobs (priority DESC, queue_time) WHERE phase = 'QUEUED';
CREATE INDEX unfinished ON uws.jobs (share, phase)
    WHERE phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'HELD', 'SUSPENDED');
CREATE INDEX of_owner ON uws.jobs (owner_id, phase, creation_time DESC) WHERE owner_id IS NOT NULL;
CREATE INDEX of_session ON uws.jobs (session, phase, creation_time DESC) WHERE session IS NOT NULL;
CREATE INDEX of_all ON uws.jobs (phase, creation_time DESC);
CREATE INDEX due ON uws.jobs (destruction) WHERE phase <> 'ARCHIVED' AND NOT deleted;
CREATE INDEX archived ON uws.jobs (destruction) WHERE phase = 'ARCHIVED' AND NOT deleted;
CREATE INDEX gone ON uws.jobs (job_id) WHERE deleted;

-- Claims take turns, so that the shares they count are true.
CREATE TABLE uws.turn (one boolean PRIMARY KEY DEFAULT true CHECK (one));
INSERT INTO uws.turn VALUES (true);

-- How long finished jobs took: what a quote is calibrated on, also when the jobs are long gone.
CREATE TABLE uws.runs (
    cost     double precision NOT NULL,
    seconds  double precision NOT NULL,
    finished timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_by_cost ON uws.runs (cost);

-- Seconds in which four of five jobs of about this cost were done; NULL with fewer than five of them.
CREATE FUNCTION uws.expected(wanted double precision) RETURNS double precision LANGUAGE sql STABLE
RETURN (
    SELECT percentile_cont(0.8) WITHIN GROUP (ORDER BY seconds)
    FROM (SELECT seconds FROM uws.runs WHERE cost BETWEEN wanted / 2 AND wanted * 2 LIMIT 500) AS alike
    HAVING count(*) >= 5);

-- Whoever waits for a phase is told when it changes, by whatever way it does.
CREATE FUNCTION uws.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('uws', OLD.job_id || ' DELETED');
    ELSIF NEW.deleted THEN
        PERFORM pg_notify('uws', NEW.job_id || ' DELETED');
    ELSE
        PERFORM pg_notify('uws', NEW.job_id || ' ' || NEW.phase);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tell_created AFTER INSERT ON uws.jobs FOR EACH ROW
    WHEN (NEW.phase = 'QUEUED') EXECUTE FUNCTION uws.tell();
CREATE TRIGGER tell_changed AFTER UPDATE OF phase, deleted ON uws.jobs FOR EACH ROW
    WHEN (OLD.phase <> NEW.phase OR OLD.deleted <> NEW.deleted) EXECUTE FUNCTION uws.tell();
CREATE TRIGGER tell_deleted AFTER DELETE ON uws.jobs FOR EACH ROW
    WHEN (NOT OLD.deleted) EXECUTE FUNCTION uws.tell();
