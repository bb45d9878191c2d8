-- Who wants to be told of all jobs of their own, and the secret that signs what they are told.
CREATE TABLE uws.subscribers (
    owner_id text PRIMARY KEY,
    targets  text[] NOT NULL DEFAULT '{}',
    secret   text NOT NULL
);

-- That a job has ended is told to whoever asked for it: a row is there until that is done.
CREATE TABLE uws.deliveries (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      text NOT NULL,
    owner_id    text NOT NULL,
    target      text NOT NULL,
    phase       text NOT NULL,
    attempt     integer NOT NULL DEFAULT 0,
    due         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deliveries_due ON uws.deliveries (due);

-- In the transaction that ends a job, by whatever way it ends. Jobs ask by the parameter NOTIFY.
CREATE FUNCTION uws.deliver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO uws.deliveries (job_id, owner_id, target, phase)
    SELECT NEW.job_id, NEW.owner_id, target, NEW.phase FROM (
        SELECT p ->> 1 FROM jsonb_array_elements(NEW.parameters) AS p WHERE p ->> 0 = 'NOTIFY'
        UNION SELECT unnest(targets) FROM uws.subscribers WHERE owner_id = NEW.owner_id
    ) AS t (target) WHERE target <> '';
    RETURN NULL;
END $$;
CREATE TRIGGER deliver AFTER UPDATE OF phase ON uws.jobs FOR EACH ROW
    WHEN (OLD.phase <> NEW.phase AND NEW.phase IN ('COMPLETED', 'ERROR', 'ABORTED') AND NEW.owner_id IS NOT NULL)
    EXECUTE FUNCTION uws.deliver();

-- Listeners of an owner's jobs need no query to know whose they are.
CREATE OR REPLACE FUNCTION uws.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('uws', concat_ws(' ', OLD.job_id, 'DELETED', OLD.owner_id));
    ELSIF NEW.deleted THEN
        PERFORM pg_notify('uws', concat_ws(' ', NEW.job_id, 'DELETED', NEW.owner_id));
    ELSE
        PERFORM pg_notify('uws', concat_ws(' ', NEW.job_id, NEW.phase, NEW.owner_id));
    END IF;
    RETURN NULL;
END $$;
