-- The statements that are sent as they are, by name; values are bound. Those with names of tables in them are composed where they are sent.

-- name: put_schema
-- A schema, with what is known of it if nothing new is said.
INSERT INTO tap_schema.schemas (schema_name, description)
VALUES (%s, %s)
ON CONFLICT (schema_name) DO UPDATE
SET description = coalesce(excluded.description, schemas.description);

-- name: put_table
-- A table, instead of what had its name.
INSERT INTO tap_schema.tables
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (table_name) DO UPDATE
SET table_type = excluded.table_type, utype = excluded.utype,
    description = excluded.description, table_index = excluded.table_index;

-- name: drop_columns
DELETE FROM tap_schema.columns WHERE table_name = %s;

-- name: drop_keys_from
DELETE FROM tap_schema.keys WHERE from_table = %s;

-- name: add_column
INSERT INTO tap_schema.columns VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: add_bounds
-- The least and the largest value of a column.
INSERT INTO armillary.bounds VALUES (%s, %s, %s, %s);

-- name: add_key
INSERT INTO tap_schema.keys (key_id, from_table, target_table, utype, description)
VALUES (%s, %s, %s, %s, %s);

-- name: add_key_column
INSERT INTO tap_schema.key_columns VALUES (%s, %s, %s);

-- name: drop_table
-- A table is no longer published; its columns and keys go with it.
DELETE FROM tap_schema.tables WHERE table_name = %s RETURNING schema_name;

-- name: drop_more_of_table
-- What TAP_SCHEMA has no columns for.
DELETE FROM armillary.tables WHERE table_name = %s;

-- name: drop_empty_schema
-- A schema goes with its last table.
DELETE FROM tap_schema.schemas AS s
WHERE schema_name = %s
AND NOT EXISTS (SELECT FROM tap_schema.tables AS t WHERE t.schema_name = s.schema_name);

-- name: count_change
-- Every web process reads the catalogue anew at its next query.
UPDATE armillary.catalogue SET version = version + 1;

-- name: count_change_of
-- For those who may read a table, and for all where it is public or announced.
WITH counted AS (
    INSERT INTO armillary.reader_versions
    SELECT DISTINCT r.role, 1 FROM armillary.audiences AS a JOIN armillary.readers AS r ON r.name = a.rule
    WHERE a.table_name = %(name)s
    ORDER BY r.role
    ON CONFLICT (role) DO UPDATE SET version = reader_versions.version + 1
)
UPDATE armillary.catalogue SET version = version + 1
FROM armillary.audiences AS a LEFT JOIN armillary.access AS x ON x.name = a.rule
WHERE a.table_name = %(name)s AND (a.rule IS NULL OR x.announced);

-- name: remember
-- All that is known of a loaded table.
INSERT INTO armillary.loaded
VALUES (%s, %s, %s)
ON CONFLICT (table_name) DO UPDATE
SET storage = excluded.storage, content = excluded.content;

-- name: loaded_storage
-- Where the rows of a loaded table are, locked.
SELECT storage, content ->> 'schema_name' FROM armillary.loaded WHERE table_name = %s FOR UPDATE;

-- name: comment_of_table
SELECT obj_description(to_regclass(%s), 'pg_class');

-- name: loaded_content
SELECT content FROM armillary.loaded WHERE table_name = %s;

-- name: was_loaded
SELECT FROM armillary.loaded WHERE table_name = %s;

-- name: forget
DELETE FROM armillary.loaded WHERE table_name = %s;

-- name: ranges
SELECT first, beyond, shard_name, partition, nrows, checksum::text FROM armillary.ranges WHERE table_name = %s;

-- name: part_layouts
-- Ranges of the layout that were moved meanwhile are no longer alike: then the table has a layout of its own.
UPDATE armillary.tables AS own SET layout = gen_random_uuid()::text
WHERE table_name = %(name)s AND EXISTS (
    SELECT FROM armillary.ranges AS r JOIN armillary.tables AS t USING (table_name)
    WHERE t.layout = own.layout AND NOT EXISTS (
        SELECT FROM armillary.ranges AS o
        WHERE o.table_name = %(name)s AND (o.first, o.beyond) = (r.first, r.beyond)
            AND o.shard_name IS NOT DISTINCT FROM r.shard_name));

-- name: add_range
INSERT INTO armillary.ranges VALUES (%s, %s, %s, %s, %s, %s, %s);

-- name: existing_columns
-- The columns of a table or view of the operator's own.
SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum), relkind, greatest(reltuples, 0)::bigint
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %s AND relname = %s AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'f', 'v', 'm')
ORDER BY attnum;

-- name: index_method
-- How a column is indexed alone, where it is not as most are: MOCs by their cells, other geometries by boxes round them.
SELECT CASE atttypid WHEN 'smoc'::regtype THEN 'gin' ELSE 'gist' END
FROM pg_attribute
WHERE attrelid = %s::regclass AND ARRAY[attname::text] = %s
  AND atttypid IN ('smoc'::regtype, 'spoint'::regtype, 'scircle'::regtype, 'spoly'::regtype);

-- name: primary_key
-- The columns of a table's primary key.
SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary;

-- name: relation
SELECT to_regclass(%s);

-- name: indexes_of
-- Each index of a table, and the column that leads it.
SELECT pg_get_indexdef(indexrelid), attname
FROM pg_index
LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indrelid = to_regclass(%s);

-- name: primary_key
SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indrelid = to_regclass(%s) AND indisprimary;

-- name: named_alike
-- A published table whose name differs in case only.
SELECT table_name
FROM armillary.tables
WHERE lower(replace(table_name, '"', '')) = lower(replace(%(name)s, '"', '')) AND table_name <> %(name)s;

-- name: usable_schema
-- Whether a schema is there, and whether a role may use it.
SELECT oid IS NOT NULL, coalesce(has_schema_privilege(%s, oid, 'USAGE'), false)
FROM (SELECT to_regnamespace(%s)::oid AS oid) AS schema_;

-- name: relations_in
SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace;

-- name: stored_as
-- Under which name a published table is stored, locked.
SELECT coalesce(storage, %s), loaded FROM armillary.tables WHERE table_name = %s FOR UPDATE;

-- name: stores_another
-- Whether a name is one under which another loaded table is stored.
SELECT FROM armillary.loaded WHERE storage = %s AND content ->> 'schema_name' = %s;

-- name: has_foreign_partitions
SELECT FROM pg_inherits JOIN pg_foreign_table ON ftrelid = inhrelid WHERE inhparent = to_regclass(%s);

-- name: is_published
SELECT FROM armillary.tables WHERE table_name = %s;

-- name: drop_ranges
DELETE FROM armillary.ranges WHERE table_name = %s;

-- name: stored_and_loaded
SELECT storage, loaded FROM armillary.tables WHERE table_name = %s;

-- name: more_of_table
SELECT loaded, omitted, ra, dec FROM armillary.tables WHERE table_name = %s;

-- name: accesses
-- What is said of the operator's tables and schemas; accounts see to their own.
SELECT a.name, a.is_public, ARRAY(SELECT r.grantee FROM armillary.readers AS r WHERE r.name = a.name ORDER BY r.grantee)
FROM armillary.access AS a WHERE NOT EXISTS (SELECT FROM armillary.own_tables AS o WHERE o.table_name = a.name)
ORDER BY a.name;

-- name: is_published_or_schema
SELECT FROM tap_schema.tables WHERE table_name = %(name)s OR schema_name = %(name)s LIMIT 1;

-- name: put_access
INSERT INTO armillary.access (name, is_public) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET is_public = excluded.is_public, announced = access.announced AND NOT excluded.is_public;

-- name: drop_readers
DELETE FROM armillary.readers WHERE name = %s;

-- name: add_reader
INSERT INTO armillary.readers (name, grantee, role)
VALUES (%(name)s, %(grantee)s, armillary.grantee_role(%(grantee)s)) ON CONFLICT DO NOTHING;

-- name: drop_grantee_role
SELECT armillary.drop_grantee_role(%s);

-- name: is_unruled
-- Whether a table lies in a schema of an account, or of what is shared, and nothing is said of who may read it.
SELECT WHERE NOT EXISTS (SELECT FROM armillary.access WHERE name = %(name)s)
AND (%(schema)s = 'shared' OR EXISTS (SELECT FROM armillary.own_schemas WHERE schema_name = %(schema)s));

-- name: remove_reader
DELETE FROM armillary.readers WHERE name = %s AND grantee = %s RETURNING name;

-- name: names_read_by
SELECT name FROM armillary.readers WHERE grantee = %s ORDER BY name;

-- name: open_access
UPDATE armillary.access SET is_public = true, announced = false WHERE name = %s RETURNING name;

-- name: lock_catalogue
SELECT FROM armillary.catalogue FOR UPDATE;

-- name: published_views_over
-- Published views that show rows of a table, also by way of other views; but for one that looks itself who may read them.
WITH RECURSIVE over AS (
    SELECT r.ev_class AS oid FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = %(table)s::regclass AND r.ev_class <> d.refobjid
  UNION
    SELECT r.ev_class FROM over JOIN pg_depend AS d ON d.refobjid = over.oid JOIN pg_rewrite AS r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class <> d.refobjid
)
SELECT t.table_name FROM over JOIN pg_class AS c ON c.oid = over.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN tap_schema.tables AS t ON lower(t.table_name) = lower(quote_ident(n.nspname) || '.' || quote_ident(c.relname))
WHERE obj_description(c.oid, 'pg_class') IS DISTINCT FROM %(asks)s;

-- name: access_of
-- For a table, or each table of a schema: whether it is public, the roles of its readers, and whether Citus has its rows.
SELECT t.table_name, m.storage, t.is_public,
       ARRAY(SELECT r.role FROM armillary.readers AS r WHERE r.name = t.rule) AS roles,
       m.pixel_column IS NOT NULL AND EXISTS (SELECT FROM armillary.shards WHERE engine = 'citus') AS on_citus
FROM armillary.table_rules AS t
LEFT JOIN armillary.tables AS m ON m.table_name = t.table_name
WHERE t.table_name = %(name)s OR t.schema_name = %(name)s;

-- name: put_audiences
-- Whom a table, or each table of a schema, is for, as it follows from the rules.
INSERT INTO armillary.audiences
SELECT table_name, CASE WHEN NOT is_public THEN rule END FROM armillary.table_rules
WHERE table_name = %(name)s OR schema_name = %(name)s
ON CONFLICT (table_name) DO UPDATE SET rule = excluded.rule;

-- name: roles_that_read
-- Of the roles whose rights are ours to give: everybody's, and those that stand for grantees.
SELECT DISTINCT r.rolname
FROM pg_class AS c, LATERAL aclexplode(c.relacl) AS e JOIN pg_roles AS r ON r.oid = e.grantee
WHERE c.oid = %s::regclass AND e.privilege_type = 'SELECT'
  AND (r.rolname = 'armillary_reader' OR starts_with(r.rolname, 'armillary_to_'));

-- name: may_read
SELECT has_table_privilege(%s, %s, 'SELECT');

-- name: announce
UPDATE armillary.access SET announced = %s WHERE name = %s AND NOT is_public RETURNING name;

-- name: own_schema
SELECT schema_name FROM armillary.own_schemas WHERE account = %s;

-- name: own_schema_by_alias
-- The schema of the account that user_ACCOUNT. at the beginning of a text means, unless a schema is really called so.
SELECT schema_name, account FROM armillary.own_schemas
WHERE starts_with(%(text)s, 'user_' || lower(account) || '.')
  AND NOT EXISTS (SELECT FROM pg_namespace WHERE starts_with(%(text)s, lower(nspname) || '.'))
ORDER BY length(account) DESC LIMIT 1;

-- name: claim_schema
-- Nothing where the account has one by now, or another account has this one.
INSERT INTO armillary.own_schemas (account, schema_name) VALUES (%(account)s, %(schema_name)s) ON CONFLICT DO NOTHING;

-- name: schema_exists
SELECT FROM pg_namespace WHERE lower(nspname) = lower(%(name)s)
UNION ALL
SELECT FROM tap_schema.schemas WHERE lower(replace(schema_name, '"', '')) = lower(%(name)s)
UNION ALL
SELECT FROM armillary.own_schemas WHERE lower(schema_name) = lower(%(name)s);

-- name: is_own_schema
SELECT account FROM armillary.own_schemas WHERE lower(schema_name) = lower(%s);

-- name: own_schemas
SELECT schema_name FROM armillary.own_schemas;

-- name: lock_own_schema
SELECT FROM armillary.own_schemas WHERE account = %s FOR UPDATE;

-- name: own_usage
-- The tables, rows and bytes of an account, but for one table.
SELECT count(*), coalesce(sum(nrows), 0)::bigint, coalesce(sum(bytes), 0)::bigint
FROM armillary.own_tables WHERE account = %(account)s AND table_name <> %(without)s;

-- name: put_own_table
INSERT INTO armillary.own_tables (table_name, account, nrows, bytes, expires)
VALUES (%(table_name)s, %(account)s, %(nrows)s, pg_total_relation_size(%(stored)s), now() + %(days)s * interval '1 day')
ON CONFLICT (table_name) DO UPDATE SET nrows = excluded.nrows, bytes = excluded.bytes, changed = now();

-- name: add_job_of_table
-- No row where the job's result is in the table already.
INSERT INTO armillary.own_table_jobs VALUES (%(table_name)s, %(job)s) ON CONFLICT DO NOTHING RETURNING job;

-- name: has_rows_of_job
SELECT job FROM armillary.own_table_jobs WHERE table_name = %s AND job = %s;

-- name: own_table
SELECT o.table_name, o.account, o.nrows, o.bytes, o.created, o.expires,
       ARRAY(SELECT r.grantee FROM armillary.readers AS r WHERE r.name = o.table_name ORDER BY r.grantee),
       ARRAY(SELECT w.grantee FROM armillary.writers AS w WHERE w.table_name = o.table_name ORDER BY w.grantee),
       ARRAY(SELECT w.grantee FROM armillary.writers AS w WHERE w.table_name = o.table_name AND NOT w.reads)
FROM armillary.own_tables AS o WHERE lower(o.table_name) = lower(%(name)s) ORDER BY o.table_name = %(name)s DESC LIMIT 1;

-- name: account_and_readers
-- Whose an own table is, and who may read it.
SELECT o.account, ARRAY(SELECT r.grantee FROM armillary.readers AS r WHERE r.name = o.table_name ORDER BY r.grantee)
FROM armillary.own_tables AS o WHERE o.table_name = %(name)s;

-- name: move_own_table
-- What is known of an own table, under another name; what it is offered as follows it.
WITH offered AS (
    UPDATE armillary.publications SET table_name = %(new)s WHERE table_name = %(old)s AND state = 'offered'
)
INSERT INTO armillary.own_tables (table_name, account, nrows, bytes, created, changed, expires)
SELECT %(new)s, account, nrows, bytes, created, changed, expires FROM armillary.own_tables WHERE table_name = %(old)s;

-- name: move_jobs_of_table
INSERT INTO armillary.own_table_jobs SELECT %(new)s, job FROM armillary.own_table_jobs WHERE table_name = %(old)s;

-- name: move_writers
INSERT INTO armillary.writers SELECT %(new)s, grantee, reads FROM armillary.writers WHERE table_name = %(old)s;

-- name: withdraw_offers
-- Offers of a table that goes.
UPDATE armillary.publications SET state = 'withdrawn', decided = now() WHERE table_name = %s AND state = 'offered';

-- name: keep_until
UPDATE armillary.own_tables SET expires = now() + %(days)s * interval '1 day' WHERE table_name = %(name)s;

-- name: add_writer
INSERT INTO armillary.writers VALUES (%(name)s, %(grantee)s, %(reads)s)
ON CONFLICT (table_name, grantee) DO UPDATE SET reads = excluded.reads;

-- name: remove_writer
DELETE FROM armillary.writers WHERE table_name = %(name)s AND grantee = %(grantee)s;

-- name: forget_writer
DELETE FROM armillary.writers WHERE grantee = %s;

-- name: drop_access
DELETE FROM armillary.access WHERE name = %s;

-- name: expired_own_tables
SELECT table_name FROM armillary.own_tables WHERE expires < now() LIMIT 100;

-- name: has_index
-- Whether there is an index of just these columns, of that kind.
SELECT FROM pg_index AS i
WHERE i.indrelid = to_regclass(%(stored)s) AND i.indisunique = %(unique)s AND i.indpred IS NULL AND i.indexprs IS NULL
  AND %(columns)s::text[] = ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place);

-- name: unused_own_storage
-- Tables in schemas of accounts, and of what is shared, that nothing is known of: what took the place of them is there, or
-- who dropped them stopped halfway. Names of accounts have no quotes.
SELECT n.nspname, c.relname
FROM pg_namespace AS n JOIN pg_class AS c ON c.relnamespace = n.oid
WHERE n.nspname IN (SELECT schema_name FROM armillary.own_schemas UNION ALL SELECT 'shared') AND c.relkind = 'r'
  AND obj_description(c.oid, 'pg_class') = %(mark)s
  AND NOT EXISTS (
    SELECT FROM armillary.loaded AS l JOIN armillary.own_tables AS o USING (table_name)
    WHERE l.storage = c.relname AND replace(l.content ->> 'schema_name', '"', '') = n.nspname)
LIMIT 100;

-- name: is_public
SELECT FROM armillary.audiences WHERE lower(table_name) = lower(%(name)s) AND rule IS NULL;

-- name: publications
SELECT publication_id, account, table_name, title, abstract, licence, citation, contact, state, word, moderator,
       published_as, version, offered, decided
FROM armillary.publications WHERE account = coalesce(%(account)s, account) ORDER BY publication_id;

-- name: offer
INSERT INTO armillary.publications (account, table_name, title, abstract, licence, citation, contact)
VALUES (%(account)s, %(table_name)s, %(title)s, %(abstract)s, %(licence)s, %(citation)s, %(contact)s)
ON CONFLICT DO NOTHING RETURNING publication_id;

-- name: changed_since_offer
SELECT FROM armillary.publications AS p JOIN armillary.own_tables AS o USING (table_name)
WHERE p.publication_id = %s AND o.changed > p.offered;

-- name: offered_publication
SELECT table_name, title, abstract, licence, citation, contact, account
FROM armillary.publications WHERE publication_id = %s AND state = 'offered' FOR UPDATE;

-- name: last_version
-- The last version of what was published under a name.
SELECT version FROM armillary.publications
WHERE state = 'accepted' AND published_as IN (%(name)s || '_v' || version, rtrim(%(name)s, '"') || '_v' || version || '"')
ORDER BY version DESC LIMIT 1;

-- name: decide
UPDATE armillary.publications SET
    state = %(state)s, decided = now(), word = %(word)s, moderator = %(moderator)s,
    published_as = %(published_as)s, version = %(version)s
WHERE publication_id = %(publication_id)s AND state = 'offered' AND account = coalesce(%(account)s, account)
RETURNING publication_id;

-- name: never_analyzed
-- A row where the planner knows nothing of a table, or what it knows is old. A load counts its own rows as changes.
SELECT FROM pg_class AS c LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'm')
  AND (c.reltuples < 0 OR s.n_mod_since_analyze > greatest(1000, 1.2 * c.reltuples));

-- name: archive_state
-- Whether the last try to archive the write-ahead log failed; no row where it is not archived.
SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off';

-- name: server_state
-- How many connections others than superusers can have, and what time it is there.
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    extract(epoch FROM clock_timestamp())::float8;

-- name: mapping_of
-- What a description says of a table under [obscore].
SELECT mapping FROM armillary.obscore WHERE table_name = %s;

-- name: mapped_region
SELECT source, columns ->> 's_region' FROM armillary.obscore WHERE table_name = %s;

-- name: put_mapping
INSERT INTO armillary.obscore (table_name, source, mapping, columns, indexed) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (table_name) DO UPDATE
SET source = excluded.source, mapping = excluded.mapping, columns = excluded.columns, indexed = excluded.indexed;

-- name: drop_mapping
DELETE FROM armillary.obscore WHERE table_name = %s;

-- name: mapped_tables
-- Those that are published.
SELECT o.table_name, o.source, o.columns, o.indexed
FROM armillary.obscore AS o JOIN tap_schema.tables AS t USING (table_name) ORDER BY o.table_name;

-- name: views_with_mark
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') = %s;

-- name: has_healpix
-- Nothing where pgSphere was built without it.
SELECT FROM pg_proc WHERE proname = 'healpix_nest' LIMIT 1;

-- name: samples
-- What ANALYZE took of columns of single values; of a table with parts, of all parts together.
SELECT DISTINCT ON (attname) attname, n_distinct, most_common_vals::text::text[], most_common_freqs, histogram_bounds::text::text[]
FROM pg_stats
WHERE schemaname = %(schema)s AND tablename = %(table)s AND attname = ANY (%(columns)s::name[])
ORDER BY attname, inherited DESC;

-- name: position_of
-- The columns of a table's position, and how many rows it has as far as that is known.
SELECT ra, "dec", nrows FROM armillary.tables WHERE table_name = %s;

-- name: oid_of
SELECT to_regclass(%s)::oid;

-- name: count_rows
UPDATE armillary.tables SET nrows = %(nrows)s WHERE table_name = %(name)s;

-- name: drop_statistics
WITH coverage AS (DELETE FROM tap_schema.table_coverage WHERE table_name = %(name)s),
     cells AS (DELETE FROM armillary.cell_counts WHERE table_name = %(name)s)
DELETE FROM tap_schema.column_statistics WHERE table_name = %(name)s;

-- name: has_statistics
SELECT FROM tap_schema.column_statistics WHERE table_name = %s LIMIT 1;

-- name: add_coverage
INSERT INTO tap_schema.table_coverage VALUES (%s, %s, %s, %s, %s, %s, %s, %s);

-- name: add_column_statistics
INSERT INTO tap_schema.column_statistics VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: add_cell_counts
INSERT INTO armillary.cell_counts VALUES (%s, %s, %s, %s);

-- name: drop_statistics_of_others
-- Of columns that are not published any more.
DELETE FROM tap_schema.column_statistics AS s
WHERE s.table_name = %(name)s AND NOT EXISTS (
    SELECT FROM tap_schema.columns AS c WHERE c.table_name = s.table_name AND c.column_name = s.column_name);

-- name: copy_statistics
-- Of a table whose rows another one has too, as far as its columns are published there.
WITH coverage AS (
    INSERT INTO tap_schema.table_coverage
    SELECT %(new)s, moc, moc_order, sky_fraction, time_min, time_max, energy_min, energy_max
    FROM tap_schema.table_coverage WHERE table_name = %(old)s
), cells AS (
    INSERT INTO armillary.cell_counts
    SELECT %(new)s, cell_order, cells, counts FROM armillary.cell_counts WHERE table_name = %(old)s
)
INSERT INTO tap_schema.column_statistics
SELECT %(new)s, column_name, nulls, distinct_values, least, largest, min_value, percentile03, median, percentile97, max_value,
       frequent_values
FROM tap_schema.column_statistics WHERE table_name = %(old)s;

-- name: coverage_of
SELECT moc, moc_order, sky_fraction, time_min, time_max, energy_min, energy_max
FROM tap_schema.table_coverage WHERE table_name = %s;

-- name: coverages
SELECT table_name, moc, moc_order, sky_fraction, time_min, time_max, energy_min, energy_max FROM tap_schema.table_coverage;

-- name: cell_counts_of
SELECT cell_order, cells, counts FROM armillary.cell_counts WHERE table_name = %s;

-- name: cells_of_tables
-- The cells of order 6 in which any of these tables has rows; those of tables are as fine or finer.
SELECT DISTINCT cell >> 2 * (cell_order - 6) AS coarse FROM armillary.cell_counts, unnest(cells) AS cell
WHERE table_name = ANY (%s) ORDER BY coarse;

-- name: sparse_cells
-- Of each table the cell that has the fewest rows.
SELECT table_name, cell_order, sparse.cell FROM armillary.cell_counts,
LATERAL (SELECT cell FROM unnest(cells, counts) AS u (cell, count) ORDER BY count, cell LIMIT 1) AS sparse;

-- name: column_statistics_of
SELECT column_name, nulls, distinct_values, least, largest, min_value, percentile03, median, percentile97, max_value,
       frequent_values
FROM tap_schema.column_statistics AS s LEFT JOIN tap_schema.columns AS c USING (table_name, column_name)
WHERE table_name = %s ORDER BY c.column_index, column_name;

-- name: lock_staged_load
SELECT storage FROM armillary.staged_loads WHERE table_name = %s FOR UPDATE NOWAIT;

-- name: staged_load
SELECT storage, columns FROM armillary.staged_loads WHERE table_name = %s;

-- name: staged_loads
SELECT l.table_name, l.began, count(f.file), coalesce(sum(f.nrows), 0)::bigint
FROM armillary.staged_loads AS l LEFT JOIN armillary.staged_files AS f USING (table_name)
GROUP BY l.table_name ORDER BY l.table_name;

-- name: add_staged_load
INSERT INTO armillary.staged_loads (table_name, storage, columns) VALUES (%s, %s, %s);

-- name: forget_staged_load
DELETE FROM armillary.staged_loads WHERE table_name = %s;

-- name: staged_files
SELECT file, version, transaction::text, nrows, nulled, texts FROM armillary.staged_files WHERE table_name = %s;

-- name: add_staged_file
INSERT INTO armillary.staged_files (table_name, file, version, transaction, nrows, nulled, texts)
VALUES (%s, %s, %s, pg_current_xact_id()::xid, %s, %s, %s);

-- name: drop_staged_files
DELETE FROM armillary.staged_files WHERE table_name = %s AND file = ANY(%s);

-- name: version_of
SELECT version FROM armillary.tables WHERE table_name = %s;

-- name: copy_access
-- Whoever may read a table may read another one.
WITH rule AS (
    INSERT INTO armillary.access (name, is_public, announced)
    SELECT %(new)s, is_public, announced FROM armillary.access WHERE name = %(old)s
    RETURNING name
)
INSERT INTO armillary.readers (name, grantee, role)
SELECT rule.name, r.grantee, r.role FROM rule, armillary.readers AS r WHERE r.name = %(old)s;

-- name: copy_updated
UPDATE armillary.tables AS new SET updated = old.updated FROM armillary.tables AS old
WHERE new.table_name = %(new)s AND old.table_name = %(old)s;

-- name: versions_of
SELECT name, coalesce(t.version, w.version), t.release, t.nrows, coalesce(t.updated, w.withdrawn), w.reason
FROM (SELECT table_name AS name FROM armillary.tables UNION SELECT table_name FROM armillary.withdrawn) AS names
LEFT JOIN armillary.tables AS t ON t.table_name = name
LEFT JOIN armillary.withdrawn AS w ON w.table_name = name
WHERE name = %(name)s OR starts_with(name, %(stem)s)
ORDER BY name <> %(name)s, coalesce(t.updated, w.withdrawn) DESC NULLS LAST, name DESC;

-- name: note_withdrawn
INSERT INTO armillary.withdrawn (table_name, version, reason, is_public)
SELECT %(name)s, (SELECT version FROM armillary.tables WHERE table_name = %(name)s), %(reason)s,
       coalesce((SELECT is_public FROM armillary.access WHERE name = %(name)s),
                (SELECT is_public FROM armillary.access WHERE name = %(schema)s), true)
ON CONFLICT (table_name) DO UPDATE
SET version = excluded.version, reason = excluded.reason, is_public = excluded.is_public, withdrawn = now();

-- name: why_withdrawn
SELECT reason FROM armillary.withdrawn WHERE table_name = %s;

-- name: not_withdrawn
DELETE FROM armillary.withdrawn WHERE table_name = %s;

-- name: is_stored
SELECT FROM armillary.tables WHERE storage = %(storage)s AND starts_with(table_name, %(schema)s || '.') LIMIT 1;

-- name: registry_records
SELECT identifier, created, changed, is_deleted FROM armillary.registry_records
WHERE starts_with(identifier || '/', %(authority)s || '/');

-- name: lock_registry_records
LOCK TABLE armillary.registry_records IN SHARE ROW EXCLUSIVE MODE;

-- name: put_registry_records
-- Records that are new, that say something else than before, or that are there again.
INSERT INTO armillary.registry_records AS r (identifier, digest, created, changed)
SELECT new.identifier, new.digest, instant, instant
FROM unnest(%(identifiers)s::text[], %(digests)s::text[]) AS new (identifier, digest),
     date_trunc('second', clock_timestamp()) AS instant
ON CONFLICT (identifier) DO UPDATE SET digest = excluded.digest, changed = excluded.changed, is_deleted = false
WHERE r.is_deleted OR r.digest <> excluded.digest;

-- name: end_registry_records
-- Those of an authority that are not among the ones there are.
UPDATE armillary.registry_records SET is_deleted = true, changed = date_trunc('second', clock_timestamp())
WHERE NOT is_deleted AND starts_with(identifier || '/', %(authority)s || '/') AND identifier <> ALL (%(identifiers)s::text[]);
