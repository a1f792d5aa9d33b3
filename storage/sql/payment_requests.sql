-- part: columns
q.id, q.provider_id, q.customer_id, c.account_id, coalesce(c.name, '') AS customer_name, c.email AS customer_email, c.phone AS customer_phone,
  q.transaction_id, q.payment_id, q.link_id, q.purpose, q.purpose_id, q.method, q.status, q.amount_minor, q.currency, q.reference,
  q.code, q.description, q.due_at, q.metadata, q.renews_days, q.redirect_url, q.gateway_link_id, q.url, q.paid_at, q.cancelled_at, q.created_at,
  q.updated_at

-- part: source
payment_requests q JOIN provider_customers c ON c.id = q.customer_id

-- part: of_provider
FROM payment_requests q JOIN provider_customers c ON c.id = q.customer_id WHERE q.provider_id = :provider_id

-- name: insert
INSERT INTO payment_requests (id, provider_id, customer_id, transaction_id, payment_id, link_id, purpose, purpose_id, method,
  amount_minor, currency, reference, code, description, due_at, metadata, renews_days, redirect_url)
VALUES (:id, :provider_id, :customer_id, :transaction_id, :payment_id, :link_id, :purpose, :purpose_id, :method,
  :amount_minor, :currency, :reference, :code, :description, :due_at, :metadata, :renews_days, :redirect_url);

-- name: get
SELECT {columns} FROM {source} WHERE q.id = :id AND q.provider_id = :provider_id;

-- name: lock
SELECT {columns} FROM {source} WHERE q.id = :id AND q.provider_id = :provider_id FOR UPDATE OF q;

-- name: lock_open_of
-- What is asked for one thing and not paid yet; what was paid while this waited for it is left out.
SELECT {columns} FROM {source}
WHERE q.purpose = :purpose AND q.purpose_id = :purpose_id AND q.provider_id = :provider_id AND q.status = 'pending'
ORDER BY q.id FOR UPDATE OF q;

-- name: open_renewal
-- The newest that asks for a subscription's next period, with its page.
SELECT {columns} FROM {source}
WHERE q.purpose = 'subscription' AND q.purpose_id = :purpose_id AND q.status = 'pending' AND q.renews_days IS NOT NULL
  AND q.url IS NOT NULL
ORDER BY q.created_at DESC, q.id LIMIT 1;

-- name: of_payment
SELECT {columns} FROM {source} WHERE q.payment_id = :payment_id;

-- name: lock_of_payment
SELECT {columns} FROM {source} WHERE q.payment_id = :payment_id FOR UPDATE OF q;

-- name: lock_of_link
SELECT {columns} FROM {source} WHERE q.gateway_link_id = :gateway_link_id FOR UPDATE OF q;

-- name: by_code
SELECT {columns} FROM {source} WHERE q.code = :code;

-- name: open_of_link
-- Whoever begins to pay at a link twice goes on with the first.
SELECT {columns} FROM {source}
WHERE q.link_id = :link_id AND q.customer_id = :customer_id AND q.amount_minor = :amount_minor AND q.status = 'pending'
ORDER BY q.created_at DESC LIMIT 1;

-- name: linked
-- No row: it was paid, called off or asked for anew meanwhile, or has its page.
UPDATE payment_requests SET gateway_link_id = :gateway_link_id, url = :url, updated_at = app_now()
WHERE id = :id AND payment_id = :payment_id AND status = 'pending' AND gateway_link_id IS NULL;

-- name: change
UPDATE payment_requests SET description = coalesce(:description, description), due_at = coalesce(:due_at, due_at),
  method = coalesce(:method, method), metadata = coalesce(:metadata, metadata), updated_at = app_now()
WHERE id = :id AND status = 'pending';

-- name: reprice
-- Another amount is another payment: what was asked of the gateway before is given up.
UPDATE payment_requests SET amount_minor = :amount_minor, payment_id = :payment_id, gateway_link_id = NULL, url = NULL,
  updated_at = app_now()
WHERE id = :id AND status = 'pending';

-- name: pay
UPDATE payment_requests SET status = 'paid', paid_at = app_now(), updated_at = app_now() WHERE id = :id AND status = 'pending';

-- name: cancel
UPDATE payment_requests SET status = 'cancelled', cancelled_at = app_now(), updated_at = app_now()
WHERE id = :id AND status = 'pending';
