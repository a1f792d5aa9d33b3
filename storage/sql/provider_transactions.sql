-- part: columns
t.id, t.provider_id, t.type, t.category, t.status, t.amount_minor, t.currency, t.reference, t.customer_id, t.payer_name,
  t.payer_email, t.payer_phone, t.method, t.description, t.service, t.booking_id, t.payout_id, t.related_to, t.metadata,
  t.created_at, t.updated_at, t.settled_at

-- part: source
provider_transactions t

-- part: of_provider
FROM provider_transactions t WHERE t.provider_id = :provider_id

-- name: insert
-- No row: it stands there already.
INSERT INTO provider_transactions AS t (provider_id, type, category, status, amount_minor, currency, reference, customer_id, payer_name,
  payer_email, payer_phone, method, description, service, booking_id, payout_id, related_to, metadata, settled_at)
VALUES (:provider_id, :type, :category, :status, :amount_minor, :currency, :reference, :customer_id, :payer_name,
  :payer_email, :payer_phone, :method, :description, :service, :booking_id, :payout_id, :related_to, :metadata,
  CASE WHEN :status = 'settled' THEN app_now() END)
ON CONFLICT (provider_id, reference) DO NOTHING
RETURNING {columns};

-- name: move
UPDATE provider_transactions t SET status = :target, updated_at = app_now(),
  settled_at = CASE WHEN :target IN ('settled', 'refunded') THEN coalesce(t.settled_at, app_now()) END
WHERE t.id = :id AND t.status = ANY(:sources::text[])
RETURNING {columns};

-- name: of_payout
SELECT {columns} FROM {source} WHERE t.payout_id = :payout_id ORDER BY t.created_at, t.id;

-- name: get
SELECT {columns} FROM {source} WHERE t.id = :id AND t.provider_id = :provider_id;

-- name: change
UPDATE provider_transactions t SET method = coalesce(:method, t.method), description = coalesce(:description, t.description),
  amount_minor = coalesce(:amount_minor, t.amount_minor), updated_at = app_now()
WHERE t.id = :id AND t.status = 'pending' RETURNING {columns};

-- name: describe
UPDATE provider_transactions SET description = :description, updated_at = app_now() WHERE id = :id;

-- name: by_reference
SELECT {columns} FROM {source} WHERE t.provider_id = :provider_id AND t.reference = :reference;

-- name: of_payment
-- The line of the request that a payment paid.
SELECT {columns} FROM {source} JOIN payment_requests q ON q.transaction_id = t.id WHERE q.payment_id = :payment_id;

-- name: related
-- What belongs to the same thing: its refunds and reversals, or what it is one of.
SELECT {columns} FROM {source} WHERE t.provider_id = :provider_id AND t.id <> :id
  AND (t.related_to = :id OR t.id = :related_to OR t.related_to = :related_to)
ORDER BY t.created_at, t.id LIMIT 100;
