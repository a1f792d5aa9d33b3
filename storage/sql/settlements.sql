-- name: insert
-- No row: this is recorded already.
INSERT INTO settlements (kind, owner_id, currency, amount_minor, reference, reason, recorded_by)
VALUES (:kind, :owner_id, :currency, :amount_minor, :reference, :reason, :recorded_by)
ON CONFLICT (kind, owner_id, lower(reference)) WHERE reversed_at IS NULL AND reference IS NOT NULL DO NOTHING
RETURNING id;

-- name: get
SELECT id, kind, owner_id, currency, amount_minor, reference, reason, recorded_by, created_at, reversed_at, reversal_reason
FROM settlements WHERE id = :id;

-- name: newest
SELECT id, kind, owner_id, currency, amount_minor, reference, reason, recorded_by, created_at, reversed_at, reversal_reason
FROM settlements WHERE owner_id = :owner_id ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: reverse
UPDATE settlements SET reversed_at = app_now(), reversed_by = :reversed_by, reversal_reason = :reason
WHERE id = :id AND reversed_at IS NULL RETURNING id;

-- name: owner_known
-- A customer, an erased one too, or a technician, one that was let go too: what they have, or owe, outlives them.
SELECT EXISTS (SELECT FROM accounts a WHERE a.id = :owner_id AND :owner_kind = 'account')
  OR EXISTS (SELECT FROM technicians t WHERE t.id = :owner_id AND :owner_kind = 'party');
