-- part: columns
o.id, o.code, o.partner_no, t.party_id, t.code AS partner_code, t.name AS partner_name, o.booking_id, o.organisation_id, o.status,
  o.currency, o.lines, o.subtotal_minor, o.discount_minor, o.tax_minor, o.total_minor, o.credit_minor, o.fee_minor, o.due_on, o.notes,
  o.cancellation_reason, o.payment_reference, o.created_at, o.delivered_at, o.cancelled_at, o.paid_at,
  d.id AS delivery_id, d.code AS delivery_code

-- part: source
trade_orders o JOIN trade_partners t ON t.no = o.partner_no LEFT JOIN delivery_notes d ON d.order_id = o.id

-- part: all
FROM trade_orders o WHERE true

-- name: get
SELECT {columns} FROM {source} WHERE o.id = :id;

-- name: of_booking
SELECT {columns} FROM {source} WHERE o.booking_id = :booking_id;

-- part: terms
SELECT t.no, t.party_id, t.code, t.name,
  CASE WHEN t.status = 'BLOCKED' AND t.blocked_until <= app_now() THEN 'ACTIVE' ELSE t.status END AS status,
  CASE WHEN l.is_active THEN t.price_list_id END AS price_list_id, t.tax_exempt, v.percentage - v.deduction AS vat_percent, t.min_order_minor,
  t.default_discount_rate, t.default_discount_minor, t.max_discount_rate, t.credit_available_minor
FROM trade_partners t LEFT JOIN price_lists l ON l.id = t.price_list_id LEFT JOIN vat_taxes v ON v.code = t.vat_group_code

-- name: terms
-- What a partner pays by, and whether it may order.
{terms} WHERE t.no = :no AND t.deleted_at IS NULL;

-- name: terms_of_party
{terms} WHERE t.party_id = :party_id AND t.deleted_at IS NULL;

-- name: terms_of_booker
-- Of the partner that carries what this account books: for an organisation that one's, else its own.
{terms} WHERE t.deleted_at IS NULL AND CASE WHEN :organisation_id::uuid IS NULL
  THEN t.customer_no = (SELECT c.no FROM erp_customers c WHERE c.account_id = :account_id)
  ELSE t.organisation_id = :organisation_id END;

-- name: prices
SELECT service_id, price_minor FROM price_list_items WHERE price_list_id = :price_list_id AND service_id = ANY(:service_ids::uuid[]);

-- name: insert
-- Takes the credit (by its trigger). Nothing where the partner is gone or may not order just now: its row is locked, so that this is
-- still so when the order is written. When it is due is known when it is delivered.
INSERT INTO trade_orders (code, partner_no, booking_id, organisation_id, currency, lines, subtotal_minor, discount_minor, tax_minor,
  total_minor, credit_minor, due_days, notes)
SELECT 'BC' || CASE WHEN n.value < 1000 THEN lpad(n.value::text, 3, '0') ELSE n.value::text END, t.no, :booking_id, :organisation_id,
  :currency, :lines, :subtotal_minor, :discount_minor, :tax_minor, :total_minor, :total_minor,
  coalesce((SELECT p.days FROM trade_partner_terms d JOIN payment_terms p ON p.id = d.term_id
    WHERE d.partner_no = t.no AND d.is_default), 0), :notes
FROM trade_partners t, nextval('trade_order_numbers') AS n (value)
WHERE t.party_id = :party_id AND t.deleted_at IS NULL
  AND (t.status = 'ACTIVE' OR (t.status = 'BLOCKED' AND t.blocked_until <= app_now()))
FOR NO KEY UPDATE OF t
RETURNING id;

-- name: deliver
-- The order's delivery note, once.
WITH done AS (
  UPDATE trade_orders SET status = 'DELIVERED', delivered_at = app_now(), updated_at = app_now(),
    due_on = (app_now() AT TIME ZONE :timezone)::date + due_days
  WHERE id = :id AND status = 'CONFIRMED' RETURNING id, partner_no, currency, total_minor
)
INSERT INTO delivery_notes (code, order_id, partner_no, currency, total_minor)
SELECT 'BL' || CASE WHEN n.value < 1000 THEN lpad(n.value::text, 3, '0') ELSE n.value::text END, d.id, d.partner_no, d.currency,
  d.total_minor
FROM done d, nextval('delivery_note_numbers') AS n (value)
RETURNING id;

-- name: cancel
-- Gives the credit back, but for a fee that is owed, as many days from now as the order would have been after its delivery.
UPDATE trade_orders SET status = 'CANCELLED', cancelled_at = app_now(), updated_at = app_now(), fee_minor = :fee_minor,
  due_on = CASE WHEN :fee_minor::bigint > 0 THEN (app_now() AT TIME ZONE :timezone)::date + due_days END,
  credit_minor = CASE WHEN paid_at IS NULL THEN :fee_minor::bigint ELSE 0 END, cancellation_reason = :reason
WHERE id = :id AND status = 'CONFIRMED';

-- name: pay
UPDATE trade_orders SET paid_at = app_now(), credit_minor = 0, payment_reference = :reference, updated_at = app_now()
WHERE id = :id AND paid_at IS NULL AND (status = 'DELIVERED' OR (status = 'CANCELLED' AND fee_minor > 0))
-- How many markings before this one were undone.
RETURNING payments_undone;

-- name: undo_pay
-- It is owed again and takes the credit that it took before it was paid. Gives how many markings before this one were undone.
UPDATE trade_orders SET paid_at = NULL, payment_reference = NULL, payments_undone = payments_undone + 1, updated_at = app_now(),
  credit_minor = CASE status WHEN 'CANCELLED' THEN fee_minor ELSE total_minor END
WHERE id = :id AND paid_at IS NOT NULL
RETURNING payments_undone - 1;

-- name: open_of
-- Which of these partners have orders that are not over; none where none has.
SELECT array_agg(DISTINCT partner_no ORDER BY partner_no) FROM trade_orders
WHERE partner_no = ANY(:numbers::bigint[]) AND (status = 'CONFIRMED' OR credit_minor > 0);

-- name: latest_of
SELECT {columns} FROM {source} WHERE o.partner_no = :partner_no ORDER BY o.id DESC LIMIT :most;

-- part: note_columns
d.id, d.code, d.order_id, o.code AS order_code, d.partner_no, t.name AS partner_name, d.status, d.currency, d.total_minor, d.created_at

-- part: note_source
delivery_notes d JOIN trade_orders o ON o.id = d.order_id JOIN trade_partners t ON t.no = d.partner_no

-- part: all_notes
FROM delivery_notes d WHERE true

-- name: notes_of
SELECT {note_columns} FROM {note_source} WHERE d.partner_no = :partner_no ORDER BY d.id DESC LIMIT :most;

-- name: note
SELECT {note_columns} FROM {note_source} WHERE d.id = :id;

-- name: next_numbers
-- What the next order and the next delivery note would be called.
SELECT (SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM trade_order_numbers) AS orders,
  (SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END FROM delivery_note_numbers) AS notes;
