-- Those who were considered stand in the row of the look that considered them, each at the same place of five arrays. As rows of
-- their own they were thirty rows and sixty entries of indexes for one booking, a seventh of what a confirm cost the database.
ALTER TABLE match_attempts
  ADD technician_ids uuid[] NOT NULL DEFAULT '{}', ADD ranks int[] NOT NULL DEFAULT '{}', ADD reasons text[] NOT NULL DEFAULT '{}',
  ADD scores real[] NOT NULL DEFAULT '{}', ADD distances int[] NOT NULL DEFAULT '{}',
  -- Of each part of a score, what it was of each: {"distance": [0.97, null], "rating": [0.77, null]}.
  ADD parts jsonb NOT NULL DEFAULT '{}';
DROP TRIGGER match_candidates_go ON match_attempts;
DROP FUNCTION match_candidates_go();

UPDATE match_attempts a SET technician_ids = c.technician_ids, ranks = c.ranks, reasons = c.reasons, scores = c.scores,
  distances = c.distances, parts = (
    SELECT coalesce(jsonb_object_agg(key, (SELECT jsonb_agg(p -> key ORDER BY n) FROM unnest(c.parts) WITH ORDINALITY AS u (p, n))), '{}')
    FROM jsonb_object_keys((SELECT p FROM unnest(c.parts) AS p WHERE p IS NOT NULL LIMIT 1)) AS key)
FROM (
  SELECT attempt_id, array_agg(technician_id ORDER BY rank, distance_m, technician_id) AS technician_ids,
    array_agg(rank ORDER BY rank, distance_m, technician_id) AS ranks, array_agg(reason ORDER BY rank, distance_m, technician_id) AS reasons,
    array_agg(score ORDER BY rank, distance_m, technician_id) AS scores,
    array_agg(distance_m ORDER BY rank, distance_m, technician_id) AS distances,
    array_agg(parts ORDER BY rank, distance_m, technician_id) AS parts
  FROM match_candidates GROUP BY attempt_id
) AS c WHERE a.id = c.attempt_id;
DROP TABLE match_candidates;
-- What a technician was considered for. An entry waits in its list until some thousand looks are sorted in at once.
CREATE INDEX match_attempts_technicians ON match_attempts USING gin (technician_ids);

-- The parts of one score: those of the n-th who was considered, from 1; NULL where there was nothing to score.
CREATE FUNCTION parts_of_score(parts jsonb, n bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_object_agg(key, value -> (n - 1)::int) FROM jsonb_each(parts) WHERE value -> (n - 1)::int <> 'null'
$$;

-- One row each, as they are read.
CREATE VIEW match_candidates AS
SELECT a.id AS attempt_id, c.technician_id, c.rank, c.reason, c.score, parts_of_score(a.parts, c.n) AS parts, c.distance_m
FROM match_attempts a, unnest(a.technician_ids, a.ranks, a.reasons, a.scores, a.distances) WITH ORDINALITY
  AS c (technician_id, rank, reason, score, distance_m, n);

-- A node of the version before this one goes on writing them one by one until it is replaced; the parts of their scores are not kept.
CREATE FUNCTION match_candidates_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE match_attempts SET technician_ids = array_append(technician_ids, NEW.technician_id), ranks = array_append(ranks, NEW.rank),
    reasons = array_append(reasons, NEW.reason), scores = array_append(scores, NEW.score),
    distances = array_append(distances, NEW.distance_m)
  WHERE id = NEW.attempt_id;
  RETURN NEW;
END $$;
CREATE TRIGGER match_candidates_written INSTEAD OF INSERT ON match_candidates FOR EACH ROW EXECUTE FUNCTION match_candidates_written();
