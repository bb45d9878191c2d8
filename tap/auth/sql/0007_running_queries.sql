-- What each web process runs just now, told once a second, and which of it an operator wants to end.
CREATE UNLOGGED TABLE accounts.web_processes (
    process text PRIMARY KEY,
    told timestamptz NOT NULL DEFAULT now(),
    queries jsonb NOT NULL,
    killed text[] NOT NULL DEFAULT '{}'
);
