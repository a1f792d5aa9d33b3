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

-- name: forget
DELETE FROM quotas WHERE key = ANY(:keys::text[]);

-- name: purge
-- Counters that nobody has touched for a day: no window is longer.
DELETE FROM quotas WHERE (SELECT coalesce(max(h), '-infinity') FROM unnest(hits) AS h) < clock_timestamp() - interval '1 day';
