-- name: hit
-- A sliding log in one statement: what is older than the window goes, and a hit is added only while there is room.
-- Real time, read after the row's lock is held, so that parallel takers count one after the other.
INSERT INTO quotas AS q (key, hits) VALUES (:key, ARRAY[clock_timestamp()])
ON CONFLICT (key) DO UPDATE SET hits = ARRAY(
    SELECT h FROM unnest(q.hits) AS h WHERE h > clock_timestamp() - make_interval(secs => :window_s::float8)
  ) || clock_timestamp()
WHERE (SELECT count(*) FROM unnest(q.hits) AS h
       WHERE h > clock_timestamp() - make_interval(secs => :window_s::float8)) < :limit::int
RETURNING true;

-- name: wait_s
-- Seconds until the hit that is in the way leaves the window.
SELECT greatest(extract(epoch FROM h + make_interval(secs => :window_s::float8) - clock_timestamp()), 0)::float8
FROM quotas, unnest(hits) AS h WHERE key = :key ORDER BY h DESC OFFSET :limit::int - 1 LIMIT 1;

-- name: give_back
-- The newest hit, which is the caller's own while its transaction holds the row.
UPDATE quotas SET hits = hits[1:cardinality(hits) - 1] WHERE key = ANY(:keys::text[]);

-- name: take_of_day
-- Whoever waited for the row over midnight counts for the new day.
INSERT INTO day_counts AS c (key, day, used) VALUES (:key, (clock_timestamp() AT TIME ZONE :timezone)::date, 1)
ON CONFLICT (key) DO UPDATE SET
  day = greatest(c.day, excluded.day), used = CASE WHEN c.day < excluded.day THEN 1 ELSE c.used + 1 END
WHERE c.day < excluded.day OR c.used < :limit::int
RETURNING used;

-- name: left_of_day_s
SELECT extract(epoch FROM ((clock_timestamp() AT TIME ZONE :timezone)::date + 1)::timestamp AT TIME ZONE :timezone
               - clock_timestamp())::float8;

-- name: forget
DELETE FROM quotas WHERE key = ANY(:keys::text[]);

-- name: purge
-- Counters that nobody has touched for a day: no window is longer.
DELETE FROM quotas WHERE (SELECT coalesce(max(h), '-infinity') FROM unnest(hits) AS h) < clock_timestamp() - interval '1 day';
