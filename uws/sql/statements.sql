-- Every statement that is sent to the job store, by name. Values are bound: %(name)s.

-- name: create
-- A new job, unless too many of this share or of all wait already; then no row comes back.
WITH few AS (
    SELECT (SELECT count(*) FROM uws.jobs WHERE share = %(share)s
            AND phase IN ('PENDING', 'QUEUED', 'HELD', 'SUSPENDED')) < %(waiting_per_owner)s AS of_share,
           NOT %(run)s OR (SELECT count(*) FROM uws.jobs WHERE phase = 'QUEUED') < %(waiting)s AS of_all
), made AS (
    INSERT INTO uws.jobs (job_id, owner_id, session, share, run_id, phase, queue_time, execution_duration,
                          destruction, parameters, attachments, cost, running_limit, job_list, expected, lane)
    SELECT %(job_id)s, %(owner_id)s, %(session)s, %(share)s, %(run_id)s,
           CASE WHEN %(run)s THEN 'QUEUED' ELSE 'PENDING' END, CASE WHEN %(run)s THEN now() END,
           %(execution_duration)s,
           least(coalesce(%(destruction)s, now() + %(destruction_default)s * interval '1 second'),
                 now() + %(destruction_limit)s * interval '1 second'),
           %(parameters)s, %(attachments)s, %(cost)s, %(running_limit)s, %(job_list)s, e.expected,
           uws.lane(e.expected, %(cost)s, %(short_lane)s)
    FROM few, (SELECT uws.expected(%(cost)s) AS expected) AS e
    WHERE few.of_share AND few.of_all
    RETURNING job_id, lane
)
SELECT made.job_id, made.lane, of_share, of_all FROM few LEFT JOIN made ON true;

-- name: jobs
-- Jobs that are there. Those that wait come with how many are before them, and how many of their share run.
SELECT j.*,
       CASE WHEN j.phase = 'QUEUED' THEN (
           SELECT count(*) FROM uws.jobs AS q
           WHERE q.phase = 'QUEUED' AND (q.priority > j.priority OR q.priority = j.priority AND q.queue_time < j.queue_time)
       ) END AS ahead,
       CASE WHEN j.phase = 'QUEUED' THEN (
           SELECT count(*) FROM uws.jobs AS r WHERE r.phase = 'EXECUTING' AND r.share = j.share) END AS running
FROM uws.jobs AS j
WHERE j.job_id = ANY (%(job_ids)s) AND NOT j.deleted;

-- name: list
-- References, newest first. Phase by phase, so that an index serves each whatever the others hold.
SELECT found.job_id, found.phase, found.run_id, found.owner_id, found.creation_time
FROM unnest(%(phases)s::text[]) AS wanted (phase)
CROSS JOIN LATERAL (
    SELECT j.job_id, j.phase, j.run_id, j.owner_id, j.creation_time
    FROM uws.jobs AS j
    WHERE {of} AND j.phase = wanted.phase AND NOT j.deleted
      AND j.job_list = coalesce(%(job_list)s, j.job_list)
      AND j.creation_time > coalesce(%(after)s, '-infinity'::timestamptz)
    ORDER BY j.creation_time DESC
    LIMIT %(last)s
) AS found
ORDER BY found.creation_time DESC, found.job_id
LIMIT %(last)s;

-- name: move
-- The compare-and-set: from a phase that the move allows, and if a worker is named only while that attempt is its own.
WITH before AS (
    SELECT job_id, phase AS was FROM uws.jobs
    WHERE job_id = %(job_id)s AND %(moves)s::jsonb ? phase AND NOT deleted
      AND (%(worker)s::text IS NULL OR worker = %(worker)s AND attempt = %(attempt)s)
    FOR UPDATE
)
UPDATE uws.jobs AS j SET
    phase = to_phase,
    queue_time = CASE WHEN to_phase = 'QUEUED' THEN now() + %(pause)s * interval '1 second' ELSE queue_time END,
    start_time = CASE WHEN to_phase IN ('QUEUED', 'HELD') THEN NULL ELSE start_time END,
    end_time = CASE WHEN to_phase IN ('COMPLETED', 'ERROR', 'ABORTED', 'ARCHIVED') THEN coalesce(end_time, clock_timestamp()) END,
    worker = NULL,
    lease = NULL,
    results = coalesce(%(results)s::jsonb, '[]'),
    progress = CASE WHEN to_phase = 'QUEUED' THEN '{}' ELSE coalesce(%(progress)s::jsonb, progress) END,
    error_message = CASE WHEN to_phase = 'ARCHIVED' THEN error_message ELSE %(error_message)s END,
    error_type = CASE WHEN to_phase = 'ARCHIVED' THEN error_type ELSE %(error_type)s END
FROM (SELECT job_id, %(moves)s::jsonb ->> was AS to_phase FROM before) AS b
WHERE j.job_id = b.job_id
RETURNING j.*;

-- name: waiting
-- Whether one more of this share, and of all, may wait in the queue.
SELECT (SELECT count(*) FROM uws.jobs WHERE share = %(share)s AND phase = 'QUEUED') < %(waiting_per_owner)s AS of_share,
       (SELECT count(*) FROM uws.jobs WHERE phase = 'QUEUED') < %(waiting)s AS of_all;

-- name: bytes_of_uploads
-- Of all jobs of a share that are still there, whatever their phase: files stay as long as their job.
SELECT coalesce(sum((a ->> 'size')::bigint), 0)::bigint AS bytes
FROM uws.jobs AS j, jsonb_array_elements(j.attachments) AS a
WHERE j.share = %(share)s AND j.attachments <> '[]' AND NOT j.deleted;

-- name: change
-- What a client may set; NULL leaves a thing as it is. No row comes back where the phase forbids it.
UPDATE uws.jobs SET
    run_id = coalesce(%(run_id)s, run_id),
    execution_duration = coalesce(%(execution_duration)s, execution_duration),
    destruction = CASE WHEN %(destruction)s::timestamptz IS NULL THEN destruction
                       ELSE least(%(destruction)s, now() + %(destruction_limit)s * interval '1 second') END,
    parameters = coalesce(%(parameters)s::jsonb, parameters),
    attachments = coalesce(%(attachments)s::jsonb, attachments),
    cost = CASE WHEN %(parameters)s::jsonb IS NULL THEN cost ELSE %(cost)s END,
    expected = CASE WHEN %(parameters)s::jsonb IS NULL THEN expected ELSE uws.expected(%(cost)s) END,
    lane = CASE WHEN %(parameters)s::jsonb IS NULL THEN lane ELSE uws.lane(uws.expected(%(cost)s), %(cost)s, %(short_lane)s) END
WHERE job_id = %(job_id)s AND phase = ANY (%(phases)s) AND NOT deleted
RETURNING *;

-- name: annotate
-- What a job is called and what is noted of it, in any phase; an empty text is none.
UPDATE uws.jobs SET run_id = nullif(%(run_id)s, ''), note = nullif(%(note)s, '') WHERE job_id = %(job_id)s AND NOT deleted
RETURNING job_id;

-- name: append
-- The files of a job as they are with one more part; no row comes back if they are no longer what they were.
UPDATE uws.jobs SET attachments = %(attachments)s::jsonb
WHERE job_id = %(job_id)s AND phase = 'PENDING' AND attachments = %(before)s::jsonb AND NOT deleted
RETURNING job_id;

-- name: prioritise
UPDATE uws.jobs SET priority = %(priority)s WHERE job_id = %(job_id)s AND NOT deleted RETURNING *;

-- name: delete
-- Out of sight at once; its files go next, its row last.
UPDATE uws.jobs SET
    deleted = true, phase = CASE WHEN end_time IS NULL THEN 'ABORTED' ELSE phase END,
    end_time = coalesce(end_time, now()), worker = NULL, lease = NULL
WHERE job_id = %(job_id)s AND NOT deleted
RETURNING job_id;

-- name: forget
DELETE FROM uws.jobs WHERE job_id = %(job_id)s AND deleted;

-- name: bytes_of_results
SELECT coalesce(sum((r ->> 'size')::bigint), 0)::bigint AS bytes
FROM uws.jobs AS j, jsonb_array_elements(j.results) AS r
WHERE j.owner_id IS NOT DISTINCT FROM %(owner_id)s AND j.phase = 'COMPLETED' AND NOT j.deleted AND r ->> 'text' IS NULL;

-- name: has_results
SELECT EXISTS (
    SELECT FROM uws.jobs, jsonb_array_elements(results) AS r
    WHERE phase = 'COMPLETED' AND NOT deleted AND r ->> 'text' IS NULL AND r ->> 'url' IS NULL
) AS has_results;

-- name: job_of_content
SELECT * FROM uws.jobs
WHERE results -> 0 ->> 'content' = %(content)s AND results -> 0 ->> 'content' <> '' AND phase = 'COMPLETED' AND NOT deleted
ORDER BY end_time DESC LIMIT 1;

-- name: turn
SELECT 1 FROM uws.turn FOR UPDATE;

-- name: claim
-- The next job: by priority; then whose share runs least; then who came first. Long ones only if allowed. A job that
-- waits for something that is away has its place in the queue later; one whose place lies further ahead than any pause
-- lasts had it before the clock was set back.
WITH running AS (
    SELECT share, count(*) AS jobs FROM uws.jobs WHERE phase = 'EXECUTING' GROUP BY share
), next AS (
    SELECT j.job_id
    FROM uws.jobs AS j LEFT JOIN running AS r ON r.share = j.share
    WHERE j.phase = 'QUEUED' AND (j.lane = 'short' OR %(long)s) AND NOT j.deleted
      AND j.queue_time NOT BETWEEN clock_timestamp() AND clock_timestamp() + %(longest_pause)s * interval '1 second'
      AND (coalesce(j.running_limit, %(running_per_owner)s) = 0
           OR coalesce(r.jobs, 0) < coalesce(j.running_limit, %(running_per_owner)s))
    ORDER BY j.priority DESC, coalesce(r.jobs, 0), j.queue_time
    LIMIT 1 FOR UPDATE OF j SKIP LOCKED
)
UPDATE uws.jobs AS j SET
    phase = %(moves)s::jsonb ->> phase, worker = %(worker)s, attempt = attempt + 1,
    lease = now() + %(lease)s * interval '1 second', start_time = now(), progress = '{}'
FROM next WHERE j.job_id = next.job_id
RETURNING j.*;

-- name: renew
-- The leases of a worker's jobs, with what they have done so far. What does not come back is no longer its own.
UPDATE uws.jobs AS j SET lease = now() + %(lease)s * interval '1 second', progress = mine.progress
FROM jsonb_to_recordset(%(running)s::jsonb) AS mine (job_id text, attempt integer, progress jsonb)
WHERE j.job_id = mine.job_id AND j.attempt = mine.attempt AND j.worker = %(worker)s AND j.phase = 'EXECUTING'
RETURNING j.job_id, j.execution_duration;

-- name: expired
-- Jobs whose worker died: again, or after so many crashes no more. Not while PostgreSQL has just come back itself,
-- when no worker could renew. A lease that ends later than any that is given now is of before the clock was set back.
WITH dead AS (
    SELECT job_id FROM uws.jobs
    WHERE phase = 'EXECUTING' AND lease NOT BETWEEN now() AND now() + %(longest_lease)s * interval '1 second'
      AND now() NOT BETWEEN pg_postmaster_start_time() AND pg_postmaster_start_time() + %(grace)s * interval '1 second'
    LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE uws.jobs AS j SET
    crashes = crashes + 1, worker = NULL, lease = NULL, progress = '{}',
    phase = CASE WHEN crashes + 1 < %(most)s THEN 'QUEUED' ELSE 'ERROR' END,
    start_time = CASE WHEN crashes + 1 < %(most)s THEN NULL ELSE start_time END,
    end_time = CASE WHEN crashes + 1 < %(most)s THEN NULL ELSE now() END,
    error_message = CASE WHEN crashes + 1 < %(most)s THEN NULL ELSE %(message)s END,
    error_type = CASE WHEN crashes + 1 < %(most)s THEN NULL ELSE 'fatal' END
FROM dead WHERE j.job_id = dead.job_id
RETURNING j.job_id, j.phase, j.lane, j.owner_id;

-- name: due
-- Jobs whose destruction has come, so many at most: a clock that jumps must not destroy everything at once.
(SELECT job_id, phase FROM uws.jobs
 WHERE NOT deleted AND phase <> 'ARCHIVED' AND destruction <= now() ORDER BY destruction LIMIT %(most)s)
UNION ALL
(SELECT job_id, phase FROM uws.jobs
 WHERE NOT deleted AND phase = 'ARCHIVED' AND destruction <= now() - %(archive)s * interval '1 second'
 ORDER BY destruction LIMIT %(most)s);

-- name: deleted
SELECT job_id FROM uws.jobs WHERE deleted LIMIT 1000;

-- name: keys
-- What storage may hold: the results of complete jobs, uploads and their parts.
SELECT job_id, attempt, phase, ARRAY(
    SELECT r ->> 'key' FROM jsonb_array_elements(results || attachments) AS r
    UNION ALL
    SELECT part ->> 0 FROM jsonb_array_elements(attachments) AS a, jsonb_array_elements(coalesce(a -> 'parts', '[]')) AS part
) AS keys
FROM uws.jobs
WHERE job_id = ANY (%(job_ids)s) AND NOT deleted;

-- name: ran
INSERT INTO uws.runs (cost, seconds) VALUES (%(cost)s, %(seconds)s);

-- name: durations
-- Between which seconds the next job of like cost lies with a probability of 80 %%, whatever the distribution is: of n
-- numbers in their order, another lies between the i-th and the j-th with (j - i) / (n + 1). No row for fewer than nine.
SELECT sorted[floor(0.1 * (n + 1))::int] AS least, sorted[ceil(0.9 * (n + 1))::int] AS most
FROM (
    SELECT array_agg(seconds ORDER BY seconds) AS sorted, count(*) AS n
    FROM (SELECT seconds FROM uws.runs WHERE cost BETWEEN %(cost)s / 2 AND %(cost)s * 2 ORDER BY finished DESC LIMIT 500) AS latest
) AS alike
WHERE n >= 9;

-- name: queue_for
-- In which lane a job of that cost would be, and how many wait there, as `create` has it.
SELECT lane, (SELECT count(*) FROM uws.jobs AS j WHERE j.phase = 'QUEUED' AND j.lane = l.lane) AS ahead
FROM (SELECT uws.lane(uws.expected(%(cost)s), %(cost)s, %(short_lane)s) AS lane) AS l;

-- name: trim
DELETE FROM uws.runs WHERE finished < (SELECT finished FROM uws.runs ORDER BY finished DESC OFFSET 5000 LIMIT 1);

-- name: lanes
-- Jobs that wait and run in each lane, and those whose worker is silent.
SELECT phase, lane, count(*), count(*) FILTER (WHERE lease < now()) AS expired FROM uws.jobs
WHERE phase IN ('QUEUED', 'EXECUTING') AND NOT deleted GROUP BY phase, lane;

-- name: overview
SELECT phase, count(*), min(queue_time) FILTER (WHERE phase = 'QUEUED') FROM uws.jobs
WHERE NOT deleted GROUP BY phase ORDER BY phase;

-- name: subscriber
SELECT targets, secret FROM uws.subscribers WHERE owner_id = %(owner_id)s;

-- name: subscribe
INSERT INTO uws.subscribers AS s (owner_id, targets, secret) VALUES (%(owner_id)s, coalesce(%(targets)s::text[], '{}'), %(secret)s)
ON CONFLICT (owner_id) DO UPDATE SET
    targets = coalesce(%(targets)s::text[], s.targets), secret = CASE WHEN %(renew)s::boolean THEN excluded.secret ELSE s.secret END
RETURNING targets, secret;

-- name: claim_deliveries
-- What is due, a few of each owner, whose receivers may be slow, and kept from others for a while: whoever dies over it leaves
-- it to them.
UPDATE uws.deliveries AS d SET attempt = attempt + 1, due = now() + %(lease)s * interval '1 second'
FROM (
    SELECT delivery_id FROM uws.deliveries WHERE delivery_id IN (
        SELECT delivery_id FROM (
            SELECT delivery_id, due, row_number() OVER (PARTITION BY owner_id ORDER BY due) AS place
            FROM uws.deliveries WHERE due <= now()
        ) AS waiting
        WHERE place <= %(most_of_owner)s ORDER BY due LIMIT %(most)s
    ) FOR UPDATE SKIP LOCKED
) AS c
WHERE d.delivery_id = c.delivery_id
RETURNING d.delivery_id, d.job_id, d.owner_id, d.target, d.phase, d.attempt;

-- name: delay_delivery
UPDATE uws.deliveries SET due = now() + %(seconds)s * interval '1 second' WHERE delivery_id = %(delivery_id)s;

-- name: end_delivery
DELETE FROM uws.deliveries WHERE delivery_id = %(delivery_id)s;
