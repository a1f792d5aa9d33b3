-- name: insert_attempt
-- An attempt with those who were considered: one value of [technician, rank, reason, score, parts, distance_m] each, which is
-- written and read in a fraction of the time that six arrays take.
WITH a AS (
  INSERT INTO match_attempts (booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, offer_id, looks)
  VALUES (:booking_id, :round, :attempt, :policy, :policy_version, :weights, :radius_m, :outcome, :offer_id, :looks)
  RETURNING id
)
INSERT INTO match_candidates (attempt_id, technician_id, rank, reason, score, parts, distance_m)
SELECT a.id, (v ->> 0)::uuid, (v ->> 1)::int, v ->> 2, (v ->> 3)::real, nullif(v -> 4, 'null'), (v ->> 5)::int
FROM a, jsonb_array_elements(:verdicts::jsonb) AS v;

-- name: drop_last_look
-- Its candidates go with it.
DELETE FROM match_attempts WHERE outcome = 'no_candidate' AND round = :round
  AND id = (SELECT max(id) FROM match_attempts WHERE booking_id = :booking_id);

-- name: purge
-- A part of the attempts that are older than so many days; their candidates go with them.
DELETE FROM match_attempts WHERE id IN
  (SELECT id FROM match_attempts WHERE at < app_now() - make_interval(days => :days) LIMIT :most);

-- name: attempts
SELECT id, booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, offer_id, looks, at
FROM match_attempts WHERE booking_id = :booking_id ORDER BY id;

-- name: candidates
SELECT c.attempt_id, c.technician_id, p.code, p.name, c.rank, c.reason, c.score::numeric::float8 AS score, c.parts, c.distance_m
FROM match_candidates c JOIN parties p ON p.id = c.technician_id
WHERE c.attempt_id = ANY(:attempt_ids::bigint[])
ORDER BY c.attempt_id, c.rank NULLS LAST, c.distance_m NULLS LAST, p.code;

-- name: offers
SELECT o.id, o.technician_id, p.name AS technician_name, o.round, o.attempt, o.state, o.made_at, o.expires_at, o.answered_at, o.reason, o.made_by
FROM offers o JOIN parties p ON p.id = o.technician_id WHERE o.booking_id = :booking_id ORDER BY o.made_at, o.id;

-- name: reasons_of
-- How often this technician was considered and what came of it, over a span of the domain's time.
SELECT c.reason, count(*) AS times, count(DISTINCT a.booking_id) AS bookings, max(a.at) AS last_at
FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id
WHERE c.technician_id = :technician_id AND a.at >= :since
GROUP BY c.reason ORDER BY times DESC, c.reason;

-- part: verdict
a.at, a.booking_id, c.reason, c.rank, c.score::numeric::float8 AS score, c.parts, c.distance_m, b.categories, b.starts_at

-- part: verdicts
match_candidates c JOIN match_attempts a ON a.id = c.attempt_id AND c.technician_id = :technician_id
JOIN bookings b ON b.id = a.booking_id

-- part: of_technician
FROM match_candidates c JOIN match_attempts a ON a.id = c.attempt_id
WHERE c.technician_id = :technician_id AND a.at >= :since
