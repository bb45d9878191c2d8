-- Every statement that is sent to the store of accounts, by name. Values are bound: %(name)s.

-- name: account
SELECT * FROM accounts.records WHERE lower(name) = lower(%(name)s);

-- name: accounts
SELECT * FROM accounts.records ORDER BY lower(name);

-- name: account_of_token
SELECT r.*, t.token_id, t.scopes, t.name AS token_name,
       t.last_used IS NULL OR t.last_used < now() - interval '1 minute' AS unseen
FROM accounts.tokens AS t JOIN accounts.records AS r USING (account_id)
WHERE t.digest = %(digest)s AND (t.expires IS NULL OR t.expires > now()) AND NOT r.disabled;

-- name: token_used
UPDATE accounts.tokens SET last_used = now() WHERE token_id = %(token_id)s;

-- name: add_account
INSERT INTO accounts.accounts (name, password, email, is_admin)
VALUES (%(name)s, %(password)s, %(email)s, %(is_admin)s)
ON CONFLICT DO NOTHING RETURNING account_id;

-- name: set_password
-- Whoever knew the old one is logged out; tokens stay, since each can be revoked.
WITH changed AS (
    UPDATE accounts.accounts SET password = %(password)s WHERE lower(name) = lower(%(name)s) RETURNING account_id
), ended AS (
    DELETE FROM accounts.tokens AS t USING changed AS c WHERE t.account_id = c.account_id AND t.name IS NULL
)
SELECT account_id FROM changed;

-- name: rehash
UPDATE accounts.accounts SET password = %(password)s WHERE account_id = %(account_id)s AND password = %(before)s;

-- name: set_disabled
UPDATE accounts.accounts SET disabled = %(disabled)s WHERE lower(name) = lower(%(name)s) RETURNING account_id;

-- name: set_admin
UPDATE accounts.accounts SET is_admin = %(is_admin)s WHERE lower(name) = lower(%(name)s) RETURNING account_id;

-- name: add_group
INSERT INTO accounts.groups (name) VALUES (%(name)s) ON CONFLICT DO NOTHING RETURNING group_id;

-- name: delete_group
-- What was shared with it is shared no longer, not even with another of its name.
WITH ended AS (
    DELETE FROM accounts.shares AS s USING accounts.groups AS g
    WHERE lower(g.name) = lower(%(name)s) AND s.grantee = 'group:' || g.name
)
DELETE FROM accounts.groups WHERE lower(name) = lower(%(name)s) RETURNING group_id;

-- name: set_limits
UPDATE accounts.groups SET limits = %(limits)s WHERE lower(name) = lower(%(group)s) RETURNING group_id;

-- name: groups
SELECT g.group_id, g.name, g.limits, g.description, g.of_account,
       ARRAY(SELECT a.name FROM accounts.members AS m JOIN accounts.accounts AS a USING (account_id)
             WHERE m.group_id = g.group_id ORDER BY lower(a.name)) AS members,
       ARRAY(SELECT a.name FROM accounts.members AS m JOIN accounts.accounts AS a USING (account_id)
             WHERE m.group_id = g.group_id AND m.is_owner ORDER BY lower(a.name)) AS owners
FROM accounts.groups AS g ORDER BY lower(g.name);

-- name: add_member
INSERT INTO accounts.members (group_id, account_id, is_owner)
SELECT g.group_id, a.account_id, %(is_owner)s
FROM accounts.groups AS g, accounts.accounts AS a
WHERE lower(g.name) = lower(%(group)s) AND lower(a.name) = lower(%(name)s)
ON CONFLICT (group_id, account_id) DO UPDATE SET is_owner = excluded.is_owner RETURNING group_id;

-- name: remove_member
DELETE FROM accounts.members AS m USING accounts.groups AS g, accounts.accounts AS a
WHERE m.group_id = g.group_id AND m.account_id = a.account_id
  AND lower(g.name) = lower(%(group)s) AND lower(a.name) = lower(%(name)s)
RETURNING m.group_id;

-- name: add_token
INSERT INTO accounts.tokens (account_id, name, digest, scopes, expires)
VALUES (%(account_id)s, %(name)s, %(digest)s, %(scopes)s, now() + %(seconds)s * interval '1 second')
ON CONFLICT DO NOTHING RETURNING token_id;

-- name: tokens
SELECT name, scopes, created, expires, last_used FROM accounts.tokens
WHERE account_id = %(account_id)s AND name IS NOT NULL ORDER BY created, name;

-- name: revoke_token
DELETE FROM accounts.tokens WHERE account_id = %(account_id)s AND name = %(name)s RETURNING token_id;

-- name: end_session
DELETE FROM accounts.tokens WHERE digest = %(digest)s AND name IS NULL;

-- name: end_expired
DELETE FROM accounts.tokens WHERE expires < now();

-- name: failures
-- One is forgiven every ten minutes.
SELECT key, greatest(count - floor(extract(epoch FROM now() - latest) / 600), 0)::integer AS count,
       extract(epoch FROM now() - latest)::float8 AS seconds
FROM accounts.failures WHERE key = ANY (%(keys)s);

-- name: failed
WITH forgotten AS (DELETE FROM accounts.failures WHERE latest < now() - interval '1 day' AND key <> ALL (%(keys)s::text[]))
INSERT INTO accounts.failures (key, count, latest) SELECT unnest(%(keys)s::text[]), 1, now()
ON CONFLICT (key) DO UPDATE
SET count = greatest(failures.count - floor(extract(epoch FROM now() - failures.latest) / 600), 0) + 1, latest = now();

-- name: forget_failures
DELETE FROM accounts.failures WHERE key = %(key)s;

-- name: share
-- A share, in place of one of the same thing with the same grantee.
INSERT INTO accounts.shares (account_id, kind, name, grantee, digest, may_write, title, mounted, expires)
VALUES (%(account_id)s, %(kind)s, %(name)s, %(grantee)s, %(digest)s, %(may_write)s, %(title)s, %(mounted)s,
        now() + %(days)s * interval '1 day')
ON CONFLICT (kind, name, grantee) WHERE grantee IS NOT NULL
DO UPDATE SET may_write = excluded.may_write, title = excluded.title, mounted = coalesce(excluded.mounted, shares.mounted), expires = excluded.expires
RETURNING *;

-- name: shares_given
SELECT s.*, a.name AS giver FROM accounts.shares AS s JOIN accounts.accounts AS a USING (account_id)
WHERE s.account_id = %(account_id)s AND (s.expires IS NULL OR s.expires > now()) ORDER BY s.share_id;

-- name: shares_received
SELECT s.*, a.name AS giver FROM accounts.shares AS s JOIN accounts.accounts AS a USING (account_id)
WHERE s.grantee = ANY (%(grantees)s) AND s.account_id <> %(account_id)s AND NOT a.disabled
  AND (s.expires IS NULL OR s.expires > now()) ORDER BY s.share_id;

-- name: share_of_link
SELECT s.*, a.name AS giver FROM accounts.shares AS s JOIN accounts.accounts AS a USING (account_id)
WHERE s.digest = %(digest)s AND NOT a.disabled AND (s.expires IS NULL OR s.expires > now());

-- name: share_of_job
-- A share by which an account may read a job, by its own name or that of a group.
SELECT s.*, g.name AS giver FROM accounts.shares AS s JOIN accounts.accounts AS g USING (account_id)
WHERE s.kind = 'job' AND s.name = %(name)s AND NOT g.disabled AND (s.expires IS NULL OR s.expires > now())
  AND (s.grantee = 'user:' || %(reader)s OR s.grantee IN (
    SELECT 'group:' || gr.name FROM accounts.groups AS gr JOIN accounts.members AS m USING (group_id)
    JOIN accounts.accounts AS a ON a.account_id = m.account_id WHERE a.name = %(reader)s))
LIMIT 1;

-- name: shares_that_are_over
SELECT s.*, a.name AS giver FROM accounts.shares AS s JOIN accounts.accounts AS a USING (account_id)
WHERE s.expires < now() LIMIT 1000;

-- name: end_share
DELETE FROM accounts.shares WHERE share_id = %(share_id)s RETURNING share_id;

-- name: forget_shares
-- What is mounted of a job goes with its table.
WITH unmounted AS (UPDATE accounts.shares SET mounted = NULL WHERE mounted = %(name)s)
DELETE FROM accounts.shares WHERE kind = 'table' AND name = %(name)s;

-- name: rename_shares
UPDATE accounts.shares SET name = %(new)s, title = NULL WHERE kind = 'table' AND name = %(old)s;

-- name: add_event
WITH forgotten AS (DELETE FROM accounts.events WHERE at < now() - interval '1 year' AND account_id = %(account_id)s)
INSERT INTO accounts.events (account_id, who, what, name, grantee)
VALUES (%(account_id)s, %(who)s, %(what)s, %(name)s, %(grantee)s);

-- name: events
SELECT at AS "when", who, what, name, grantee AS "with" FROM accounts.events
WHERE account_id = %(account_id)s ORDER BY at DESC, event_id DESC LIMIT 1000;

-- name: describe_group
UPDATE accounts.groups SET description = %(description)s WHERE group_id = %(group_id)s;

-- name: make_group
-- A group with its first owner; no row where the name is taken.
WITH made AS (
    INSERT INTO accounts.groups (name, description, of_account) VALUES (%(name)s, %(description)s, true)
    ON CONFLICT DO NOTHING RETURNING group_id
)
INSERT INTO accounts.members (group_id, account_id, is_owner) SELECT group_id, %(account_id)s, true FROM made
RETURNING group_id;

-- name: account_of_subject
SELECT r.* FROM accounts.records AS r JOIN accounts.accounts AS a USING (account_id)
WHERE a.issuer = %(issuer)s AND a.subject = %(subject)s;

-- name: add_account_of_subject
INSERT INTO accounts.accounts (name, email, issuer, subject)
VALUES (%(name)s, %(email)s, %(issuer)s, %(subject)s)
ON CONFLICT DO NOTHING RETURNING account_id;

-- name: groups_of_claims
-- The memberships that claims give: those that are new, and those that no claim gives any more. An operator's stay.
WITH wanted AS (
    SELECT group_id FROM accounts.groups
    WHERE lower(name) = ANY (SELECT lower(g) FROM unnest(%(groups)s::text[]) AS g) AND NOT of_account
), ended AS (
    DELETE FROM accounts.members
    WHERE account_id = %(account_id)s AND from_oidc AND group_id NOT IN (SELECT group_id FROM wanted)
)
INSERT INTO accounts.members (group_id, account_id, from_oidc)
SELECT group_id, %(account_id)s, true FROM wanted ON CONFLICT DO NOTHING;

-- name: messages
SELECT message_id, text, posted, expires FROM accounts.messages WHERE expires IS NULL OR expires > now()
ORDER BY posted, message_id;

-- name: add_message
INSERT INTO accounts.messages (text, expires) VALUES (%(text)s, now() + %(days)s * interval '1 day') RETURNING message_id;

-- name: remove_message
DELETE FROM accounts.messages WHERE message_id = %(message_id)s RETURNING message_id;

-- name: tell_queries
-- Tell what a process runs; the row tells what of it shall end.
WITH gone AS (DELETE FROM accounts.web_processes WHERE told < now() - interval '1 hour' AND process <> %(process)s)
INSERT INTO accounts.web_processes AS p (process, queries) VALUES (%(process)s, %(queries)s)
ON CONFLICT (process) DO UPDATE SET told = now(), queries = excluded.queries
RETURNING killed;

-- name: running_queries
-- What processes that are there have told, the oldest query first.
SELECT q.* FROM accounts.web_processes, jsonb_to_recordset(queries) AS q(
    id text, owner text, since timestamptz, stage text, rows bigint, query text, request_id text
) WHERE told > now() - interval '10 seconds' ORDER BY since, id;

-- name: kill_query
UPDATE accounts.web_processes SET killed = killed[greatest(1, cardinality(killed) - 100):] || %(query_id)s::text
WHERE told > now() - interval '10 seconds'
  AND queries @> jsonb_build_array(jsonb_build_object('id', %(query_id)s::text))
RETURNING process;

-- name: add_probe
WITH old AS (DELETE FROM accounts.probes WHERE at < now() - interval '1 day')
INSERT INTO accounts.probes (probe, machine, seconds, error, at)
VALUES (%(probe)s, %(machine)s, %(seconds)s, %(error)s, %(at)s);

-- name: probe_states
-- Of each probe the last outcome, since when it has failed, and how the day was; machines that are silent do not count.
WITH day AS (
    SELECT *, max(at) FILTER (WHERE error IS NULL) OVER w AS worked, max(at) OVER w AS last
    FROM accounts.probes WHERE at > now() - interval '1 day' WINDOW w AS (PARTITION BY probe, machine)
)
SELECT probe, machine, last,
    max(error) FILTER (WHERE at = last) AS error,
    max(seconds) FILTER (WHERE at = last) AS seconds,
    min(at) FILTER (WHERE error IS NOT NULL AND at > coalesce(worked, '-infinity')) AS failing_since,
    count(*) FILTER (WHERE error IS NOT NULL AND at > coalesce(worked, '-infinity')) AS failures_now,
    count(*) AS asked, count(*) FILTER (WHERE error IS NULL) AS answered,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE error IS NULL) AS median,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE error IS NULL) AS slow
FROM day GROUP BY probe, machine, last HAVING last > now() - %(silent)s * interval '1 second' ORDER BY probe, machine;

-- name: probe_history
-- The quarters of an hour of the last day: how often each probe failed, and how long it took.
SELECT probe, width_bucket(extract(epoch FROM now() - at), 0, 86400, 96) AS ago,
    count(*) FILTER (WHERE error IS NOT NULL) AS failed, max(seconds) AS seconds
FROM accounts.probes WHERE at > now() - interval '1 day' GROUP BY 1, 2 ORDER BY 1, 2 DESC;

-- name: keep_selftest
INSERT INTO accounts.selftests (steps) VALUES (%(steps)s)
ON CONFLICT (is_last) DO UPDATE SET at = now(), steps = excluded.steps;

-- name: last_selftest
SELECT at, steps FROM accounts.selftests;

-- name: add_standing
INSERT INTO accounts.standing_queries (account_id, name, query, key, notify)
VALUES (%(account_id)s, %(name)s, %(query)s, %(key)s, %(notify)s)
ON CONFLICT (account_id, name) DO NOTHING RETURNING standing_id;

-- name: standing_of
SELECT * FROM accounts.standing_queries WHERE account_id = %(account_id)s ORDER BY name;

-- name: drop_standing
DELETE FROM accounts.standing_queries WHERE account_id = %(account_id)s AND name = %(name)s RETURNING standing_id;

-- name: due_standing
-- Some that nobody has looked at for a while, and to whom they belong; they are the caller's until the next time.
UPDATE accounts.standing_queries AS s SET looked = now()
FROM accounts.accounts AS a
WHERE a.account_id = s.account_id AND NOT a.disabled AND s.standing_id IN (
    SELECT standing_id FROM accounts.standing_queries
    WHERE looked IS NULL OR looked < now() - %(seconds)s * interval '1 second'
    ORDER BY looked NULLS FIRST LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING s.*, a.name AS owner;

-- name: standing_runs
UPDATE accounts.standing_queries SET content = %(content)s, next_job = %(job_id)s
WHERE standing_id = %(standing_id)s AND next_job IS NULL RETURNING standing_id;

-- name: standing_failed
UPDATE accounts.standing_queries
SET next_job = NULL, problem = %(problem)s, content = CASE WHEN %(again)s THEN '' ELSE content END
WHERE standing_id = %(standing_id)s RETURNING standing_id;

-- name: standing_has_result
UPDATE accounts.standing_queries SET job_id = next_job, next_job = NULL, problem = NULL, changes = %(changes)s
WHERE standing_id = %(standing_id)s RETURNING standing_id;
