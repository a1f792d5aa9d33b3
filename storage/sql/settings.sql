-- name: lock
-- Whoever changes settings waits for whoever does.
LOCK TABLE settings IN SHARE ROW EXCLUSIVE MODE;

-- name: all
SELECT key, value FROM settings ORDER BY key;

-- name: put
INSERT INTO settings (key, value) VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = clock_timestamp();
