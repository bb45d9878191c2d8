-- What the service found when it asked itself, for a day; and the last run of its contract.
CREATE TABLE accounts.probes (
    probe text NOT NULL,
    machine text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    seconds double precision NOT NULL,
    error text
);
CREATE INDEX ON accounts.probes (at);

CREATE TABLE accounts.selftests (
    is_last boolean PRIMARY KEY DEFAULT true CHECK (is_last),
    at timestamptz NOT NULL DEFAULT now(),
    steps jsonb NOT NULL
);
