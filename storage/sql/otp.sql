-- name: put
-- The new code replaces the live one under a new id, so that a guess at the old one never touches it. Real time.
INSERT INTO otp_challenges (phone, purpose, code_hash, salt, expires_at, ip, network)
VALUES (:phone, :purpose, :code_hash, :salt, clock_timestamp() + make_interval(secs => :ttl_s::float8), :ip, :network)
ON CONFLICT (phone, purpose) WHERE used_at IS NULL DO UPDATE
SET id = gen_random_uuid(), code_hash = excluded.code_hash, salt = excluded.salt, attempts = 0,
    strange_attempts = 0, expires_at = excluded.expires_at, ip = excluded.ip, network = excluded.network,
    created_at = clock_timestamp();

-- name: count_guess
-- Counts before anybody compares: at most so many guesses see the hash, however many come at once. Who asked for the
-- code has a count, and all strangers together have one.
UPDATE otp_challenges SET
  attempts = attempts + (network IS NOT DISTINCT FROM :network)::int,
  strange_attempts = strange_attempts + (network IS DISTINCT FROM :network)::int
WHERE phone = :phone AND purpose = :purpose AND used_at IS NULL AND expires_at > clock_timestamp()
  AND CASE WHEN network IS NOT DISTINCT FROM :network THEN attempts ELSE strange_attempts END < :tries::int
RETURNING id, code_hash, salt;

-- name: is_dead
-- A code that is still in its time but has no guesses left for this network.
SELECT EXISTS (SELECT FROM otp_challenges
  WHERE phone = :phone AND purpose = :purpose AND used_at IS NULL AND expires_at > clock_timestamp()
    AND CASE WHEN network IS NOT DISTINCT FROM :network THEN attempts ELSE strange_attempts END >= :tries::int);

-- name: use
UPDATE otp_challenges SET used_at = clock_timestamp() WHERE id = :id AND used_at IS NULL;

-- name: forget_phone
DELETE FROM otp_challenges WHERE phone = :phone;

-- name: purge
DELETE FROM otp_challenges WHERE id IN
  (SELECT id FROM otp_challenges WHERE created_at < clock_timestamp() - make_interval(days => :days) LIMIT :most);
