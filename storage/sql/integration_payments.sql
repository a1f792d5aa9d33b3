-- part: columns
y.id, y.integration_id, y.currency, y.amount_minor, y.reference, y.paid_on, y.recorded_by, y.created_at, y.reversed_at,
  y.reversed_by, y.reversal_reason

-- part: source
integration_payments y

-- part: of_integration
FROM integration_payments y WHERE y.integration_id = :integration_id

-- name: known
SELECT id FROM integrations WHERE id = :integration_id;

-- name: lock
-- Its account; that of a deleted one too, which owes what it owed.
SELECT id FROM integrations WHERE id = :integration_id FOR NO KEY UPDATE;

-- name: insert
-- None: a transfer with this reference is recorded already.
INSERT INTO integration_payments (integration_id, currency, amount_minor, reference, paid_on, recorded_by)
VALUES (:integration_id, :currency, :amount_minor, :reference, :paid_on, :recorded_by)
ON CONFLICT (integration_id, lower(reference)) WHERE reversed_at IS NULL DO NOTHING RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE y.id = :id AND y.integration_id = :integration_id;

-- name: reverse
UPDATE integration_payments SET reversed_at = app_now(), reversed_by = :reversed_by, reversal_reason = :reason
WHERE id = :id AND reversed_at IS NULL RETURNING id;
