-- Own tables that are offered for publication: what their owner says of them, and what a moderator made of it.
CREATE TABLE armillary.publications (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account        text NOT NULL,
    table_name     text NOT NULL,                   -- the own table
    title          text NOT NULL,
    abstract       text NOT NULL,
    licence        text NOT NULL,
    citation       text,                            -- a DOI or bibcode
    contact        text NOT NULL,
    state          text NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'accepted', 'returned', 'withdrawn')),
    word           text,                            -- of the moderator
    moderator      text,
    published_as   text,                            -- the frozen copy
    version        integer,
    offered        timestamptz NOT NULL DEFAULT now(),
    decided        timestamptz(0)
);
CREATE UNIQUE INDEX a_table_is_offered_once ON armillary.publications (table_name) WHERE state = 'offered';
CREATE INDEX publications_by_account ON armillary.publications (account);
