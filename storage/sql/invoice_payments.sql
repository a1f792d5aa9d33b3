-- part: columns
y.id, y.invoice_id, i.number AS invoice_number, y.organisation_id, y.method, y.status, y.currency, y.amount_minor,
  y.applied_minor, y.reference, y.gateway_link_id, y.url, y.means, y.paid_on, y.created_at, y.settled_at, y.reversed_at,
  y.reversal_reason

-- part: source
invoice_payments y JOIN invoices i ON i.id = y.invoice_id

-- part: of_organisation
FROM invoice_payments y WHERE y.organisation_id = :organisation_id

-- name: insert
INSERT INTO invoice_payments (invoice_id, organisation_id, method, currency, amount_minor, reference, recorded_by, means)
VALUES (:invoice_id, :organisation_id, :method, :currency, :amount_minor, :reference, :recorded_by, :means) RETURNING id;

-- name: get
SELECT {columns} FROM {source} WHERE y.id = :id;

-- name: open_link
-- The link that an invoice may be paid by just now.
SELECT {columns} FROM {source} WHERE y.invoice_id = :invoice_id AND y.method = 'online' AND y.status = 'pending';

-- name: of_link
-- By the gateway's id, or by our own reference, should we never have learnt the id.
SELECT {columns} FROM {source} WHERE y.gateway_link_id = :gateway_link_id OR (y.method = 'online' AND y.id = :reference::uuid);

-- name: set_link
UPDATE invoice_payments SET gateway_link_id = :gateway_link_id, url = :url WHERE id = :id;

-- name: settle
UPDATE invoice_payments SET status = :status, applied_minor = :applied_minor, paid_on = :paid_on, settled_at = app_now()
WHERE id = :id AND status = 'pending' RETURNING id;

-- name: reverse
-- One that counted counts no more.
UPDATE invoice_payments SET status = 'failed', reversed_at = app_now(), reversed_by = :reversed_by, reversal_reason = :reason
WHERE id = :id AND status = 'success' RETURNING id;

-- name: paid_by_credit
-- What credit has paid, the newest first.
SELECT {columns} FROM {source}
WHERE y.organisation_id = :organisation_id AND y.currency = :currency AND y.method = 'credit' AND y.status = 'success'
ORDER BY y.created_at DESC, y.id DESC;

-- name: of_invoice
SELECT {columns} FROM {source} WHERE y.invoice_id = :invoice_id ORDER BY y.created_at, y.id;

-- name: claim
-- Links that wait, those first that were asked about longest ago; another node gets others.
WITH due AS (
  SELECT id FROM invoice_payments WHERE status = 'pending' AND method = 'online'
  ORDER BY asked_at NULLS FIRST, created_at LIMIT :most FOR UPDATE SKIP LOCKED)
UPDATE invoice_payments y SET asked_at = app_now() FROM due, invoices i WHERE y.id = due.id AND i.id = y.invoice_id
RETURNING {columns};

-- name: summary
SELECT coalesce(sum(y.amount_minor) FILTER (WHERE y.status = 'success' AND y.method <> 'credit'), 0)::bigint AS paid_minor,
  coalesce(sum(y.amount_minor) FILTER (WHERE y.status = 'pending'), 0)::bigint AS pending_minor,
  count(*)::int AS payments
FROM invoice_payments y WHERE y.organisation_id = :organisation_id;
