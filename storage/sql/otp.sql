-- name: put
-- The new code replaces the live one under a new id, so that a guess at the old one never touches it. Real time.
INSERT INTO otp_challenges (phone, purpose, code_hash, salt, expires_at, ip)
VALUES (:phone, :purpose, :code_hash, :salt, clock_timestamp() + make_interval(secs => :ttl_s::float8), :ip)
ON CONFLICT (phone, purpose) WHERE used_at IS NULL DO UPDATE
SET id = gen_random_uuid(), code_hash = excluded.code_hash, salt = excluded.salt, attempts = 0,
    expires_at = excluded.expires_at, ip = excluded.ip, created_at = clock_timestamp();

-- name: count_guess
-- Counts before anybody compares: at most so many guesses see the hash, however many come at once.
UPDATE otp_challenges SET attempts = attempts + 1
WHERE phone = :phone AND purpose = :purpose AND used_at IS NULL AND attempts < :tries::int AND expires_at > clock_timestamp()
RETURNING id, code_hash, salt;

-- name: is_dead
-- A code that is still in its time but has no guesses left.
SELECT EXISTS (SELECT FROM otp_challenges WHERE phone = :phone AND purpose = :purpose AND used_at IS NULL
               AND attempts >= :tries::int AND expires_at > clock_timestamp());

-- name: use
UPDATE otp_challenges SET used_at = clock_timestamp() WHERE id = :id AND used_at IS NULL;

-- name: forget_phone
DELETE FROM otp_challenges WHERE phone = :phone;

-- name: purge
DELETE FROM otp_challenges WHERE id IN
  (SELECT id FROM otp_challenges WHERE created_at < clock_timestamp() - make_interval(days => :days) LIMIT :most);
