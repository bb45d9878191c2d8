-- What the operator tells all users, until it is over.
CREATE TABLE accounts.messages (
    message_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 1000),
    posted timestamptz NOT NULL DEFAULT now(),
    expires timestamptz
);
