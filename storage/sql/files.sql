-- part: columns
f.id, f.owner_kind, f.owner_id, f.purpose, f.name, f.media_type, f.bytes AS size, f.sha256, f.store_key, f.state, f.made_by,
f.created_at, f.expires_at

-- part: source
files f

-- part: kept
FROM files f WHERE f.state = 'kept'

-- name: stage
INSERT INTO files AS f (owner_kind, owner_id, purpose, name, media_type, bytes, sha256, store_key, made_by, expires_at)
VALUES (:owner_kind, :owner_id, :purpose, :name, :media_type, :bytes, :sha256, :store_key, :made_by,
        app_now() + :keep_days::int * interval '1 day')
RETURNING {columns};

-- name: keep
UPDATE files AS f SET state = 'kept', changed_at = app_now() WHERE id = :file_id AND state = 'staged'
RETURNING {columns};

-- name: give
-- What the house has taken in for somebody who was not there yet.
UPDATE files AS f SET owner_kind = :owner_kind, owner_id = :owner_id
WHERE id = :file_id AND state = 'kept' AND owner_kind = 'house'
RETURNING {columns};

-- name: get
SELECT {columns} FROM {source} WHERE f.id = :file_id AND f.state = 'kept';

-- name: drop
UPDATE files SET state = 'dropped', changed_at = app_now() WHERE id = :file_id AND state <> 'dropped';

-- name: drop_own
-- One that somebody was given a moment ago is the house's no longer.
UPDATE files AS f SET state = 'dropped', changed_at = app_now()
WHERE id = :file_id AND state = 'kept' AND owner_kind = 'house'
RETURNING {columns};

-- name: drop_of
UPDATE files SET state = 'dropped', changed_at = app_now()
WHERE owner_kind = :owner_kind AND owner_id = :owner_id AND state <> 'dropped';

-- name: drop_old
-- What was never kept, because its cause failed, and what has had its time.
UPDATE files SET state = 'dropped', changed_at = app_now()
WHERE (state = 'staged' AND changed_at < app_now() - make_interval(hours => :staged_hours))
   OR (state = 'kept' AND expires_at <= app_now());

-- name: dropped
SELECT {columns} FROM {source} WHERE f.state = 'dropped' AND f.id <> ALL(:but::uuid[]) ORDER BY f.changed_at LIMIT :most;

-- name: store_keys
SELECT array_agg(store_key) FROM files WHERE state <> 'dropped';

-- name: forget
DELETE FROM files WHERE id = :file_id AND state = 'dropped';
