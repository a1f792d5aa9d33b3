-- part: columns
m.id, m.provider_id, m.transaction_id, t.customer_id, t.payer_name, t.payer_email, t.payer_phone, m.status, m.method, m.received_on,
  m.note, t.amount_minor, t.currency, t.reference, t.description, t.metadata, m.reconciled_at, m.voided_at, m.created_at, m.updated_at

-- part: source
manual_transactions m JOIN provider_transactions t ON t.id = m.transaction_id

-- part: of_provider
FROM manual_transactions m JOIN provider_transactions t ON t.id = m.transaction_id WHERE m.provider_id = :provider_id

-- name: insert
INSERT INTO manual_transactions (provider_id, transaction_id, method, received_on, note)
VALUES (:provider_id, :transaction_id, :method, :received_on, :note) RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE m.id = :id AND m.provider_id = :provider_id;

-- name: change
UPDATE manual_transactions SET note = coalesce(:note, note), received_on = coalesce(:received_on, received_on),
  updated_at = app_now()
WHERE id = :id AND provider_id = :provider_id AND status = 'recorded';

-- name: reconcile
UPDATE manual_transactions SET status = 'reconciled', reconciled_at = app_now(), updated_at = app_now()
WHERE id = :id AND provider_id = :provider_id AND status = 'recorded';

-- name: void
UPDATE manual_transactions SET status = 'voided', voided_at = app_now(), updated_at = app_now()
WHERE id = :id AND provider_id = :provider_id AND status = 'recorded';
