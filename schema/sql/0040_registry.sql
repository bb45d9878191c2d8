-- The records of the service's registry: a digest of what each says, since when it says so, and whether it is gone. No record is ever
-- forgotten, so that a harvester that comes after years hears of each that went.
CREATE TABLE armillary.registry_records (
    identifier text PRIMARY KEY,
    digest     text NOT NULL,
    created    timestamptz NOT NULL,
    changed    timestamptz NOT NULL,
    is_deleted boolean NOT NULL DEFAULT false
);
