-- name: insert
INSERT INTO onboarding_steps (party_id, position, step)
SELECT :party_id, s.position, s.step FROM unnest(:steps::text[]) WITH ORDINALITY AS s (step, position);

-- name: of_party
SELECT step, status, data, completed_at FROM onboarding_steps WHERE party_id = :party_id ORDER BY position;

-- name: complete
-- In its turn only: every step before it is done, and it is not.
UPDATE onboarding_steps s SET status = 'completed', data = :data, completed_at = app_now()
WHERE s.party_id = :party_id AND s.step = :step AND s.status = 'pending' AND NOT EXISTS (
  SELECT FROM onboarding_steps b WHERE b.party_id = s.party_id AND b.position < s.position AND b.status = 'pending')
RETURNING s.position;

-- name: reopen
UPDATE onboarding_steps SET status = 'pending', completed_at = NULL WHERE party_id = :party_id AND step = :step
  AND status = 'completed' RETURNING position;
