-- part: columns
i.id, i.number, i.organisation_id, p.name AS organisation_name, i.kind, i.period_start, i.period_end, i.currency,
  i.subtotal_minor, i.discount_minor, i.tax_minor, i.total_minor, i.paid_minor, i.status, i.issued_on, i.due_on, i.paid_on,
  i.payment_method, i.link_sent_at, i.file_id, i.group_by, i.created_at

-- part: source
invoices i JOIN parties p ON p.id = i.organisation_id

-- part: of_organisation
FROM invoices i WHERE i.organisation_id = :organisation_id AND (:within::uuid IS NULL OR EXISTS (
  SELECT FROM bookings b WHERE b.invoice_id = i.id AND b.department_id = :within))

-- part: everybodys
FROM invoices i WHERE true

-- part: billable
-- Done on account and on no invoice yet, or cancelled with a fee; what a trade partner is billed for is the partner's.
b.organisation_id = :organisation_id AND b.payment_method = 'account' AND b.invoice_id IS NULL
  AND (b.status = 'completed' OR b.status = 'cancelled' AND b.cancellation_fee_minor > 0) AND b.local_date <= :until
  AND b.currency = :currency AND b.billed_to = :organisation_id

-- name: get
SELECT {columns} FROM {source} WHERE i.id = :id;

-- part: amounts
-- The amounts that bookings were posted with.
coalesce(sum(CASE WHEN b.status = 'completed' THEN b.subtotal_minor - b.savings_minor ELSE b.cancellation_fee_minor END), 0)::bigint
    AS subtotal_minor,
  coalesce(sum(b.discount_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS discount_minor,
  coalesce(sum(b.tax_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS tax_minor

-- name: unbilled
-- What there is to bill. What is done while its invoice is made stands on the next: whatever is written of one goes by these ids.
SELECT b.id FROM bookings b WHERE {billable} ORDER BY b.id;

-- name: sums
SELECT count(*)::int AS bookings, {amounts}, min(b.local_date) AS first_day
FROM bookings b WHERE b.id = ANY(:booking_ids::uuid[]);

-- name: insert
-- The clock's of a period is made once.
INSERT INTO invoices (number, organisation_id, kind, period_start, period_end, currency, subtotal_minor, discount_minor,
  tax_minor, total_minor, issued_on, due_on, group_by)
VALUES (:number, :organisation_id, :kind, :period_start, :period_end, :currency, :subtotal_minor, :discount_minor,
  :tax_minor, :subtotal_minor::bigint + :tax_minor::bigint - :discount_minor::bigint, :issued_on, :due_on, :group_by)
ON CONFLICT (organisation_id, period_end) WHERE kind = 'periodic' DO NOTHING RETURNING id;

-- name: insert_lines
-- A line for each service at each price, under its department or its place where that is asked for; in a summary one line for
-- each of these, or for each service.
INSERT INTO invoice_lines (invoice_id, position, department_id, heading, description, quantity, unit_minor, amount_minor)
SELECT :invoice_id, row_number() OVER (ORDER BY s.heading NULLS LAST, s.description, s.unit_minor), s.department_id,
  s.heading, s.description, s.quantity, s.unit_minor, s.quantity * s.unit_minor
FROM (
  SELECT e.department_id, CASE WHEN NOT :is_summary::boolean THEN e.heading END AS heading,
    CASE WHEN :is_summary::boolean THEN coalesce(e.heading, e.description) ELSE e.description END AS description,
    CASE WHEN :is_summary::boolean THEN 1 ELSE sum(e.quantity)::int END AS quantity,
    CASE WHEN :is_summary::boolean THEN sum(e.quantity * e.unit_minor) ELSE max(e.unit_minor) END::bigint AS unit_minor
  FROM (
    SELECT b.department_id, CASE :group_by WHEN 'department' THEN d.name WHEN 'location' THEN b.address ->> 'address_line1' END
        AS heading, n.name AS description, sum(n.quantity)::int AS quantity, n.price_minor AS unit_minor
    FROM bookings b JOIN booking_items n ON n.booking_id = b.id LEFT JOIN departments d ON d.id = b.department_id
    WHERE b.id = ANY(:booking_ids::uuid[]) AND b.status = 'completed' GROUP BY 1, 2, 3, 5
    UNION ALL
    SELECT b.department_id, CASE :group_by WHEN 'department' THEN d.name WHEN 'location' THEN b.address ->> 'address_line1' END,
      'Cancellation fee', count(*)::int, b.cancellation_fee_minor
    FROM bookings b LEFT JOIN departments d ON d.id = b.department_id
    WHERE b.id = ANY(:booking_ids::uuid[]) AND b.status = 'cancelled' GROUP BY 1, 2, 5) e
  GROUP BY 1, 2, 3, CASE WHEN NOT :is_summary::boolean THEN e.unit_minor END) s;

-- name: take_bookings
UPDATE bookings b SET invoice_id = :invoice_id WHERE b.id = ANY(:booking_ids::uuid[]);

-- name: lines
SELECT l.position, l.department_id, l.heading, l.description, l.quantity, l.unit_minor, l.amount_minor
FROM invoice_lines l WHERE l.invoice_id = :invoice_id ORDER BY l.position;

-- name: lines_of
SELECT l.invoice_id, l.description, l.quantity, l.unit_minor, l.amount_minor FROM invoice_lines l
WHERE l.invoice_id = ANY(:invoice_ids::uuid[]) AND (:within::uuid IS NULL OR l.department_id = :within)
ORDER BY l.invoice_id, l.position;

-- name: set_file
UPDATE invoices SET file_id = :file_id WHERE id = :id AND file_id IS NULL;

-- name: without_paper
SELECT i.id FROM invoices i WHERE i.file_id IS NULL AND i.id <> ALL(:but::uuid[]) ORDER BY i.created_at, i.id LIMIT :most;

-- name: pay
-- As much as it needs and no more; the last of it makes it paid, and with it what was done for it.
WITH invoice AS (UPDATE invoices SET paid_minor = paid_minor + :amount_minor::bigint,
  status = CASE WHEN paid_minor + :amount_minor::bigint = total_minor THEN 'paid' ELSE status END,
  paid_on = CASE WHEN paid_minor + :amount_minor::bigint = total_minor THEN :paid_on::date END,
  payment_method = :method
WHERE id = :id AND status <> 'paid' RETURNING id, status)
UPDATE bookings b SET payment_status = 'paid', updated_at = app_now() FROM invoice i
WHERE i.status = 'paid' AND b.invoice_id = i.id AND b.status = 'completed';

-- name: unpay
-- What a payment was for is open again, and what was done for it no longer paid. Of one that was paid the clock tells again when it is
-- overdue.
WITH invoice AS (UPDATE invoices SET paid_minor = paid_minor - :amount_minor::bigint, paid_on = NULL,
  status = CASE status WHEN 'paid' THEN 'pending' ELSE status END,
  payment_method = CASE WHEN paid_minor > :amount_minor::bigint THEN payment_method END
WHERE id = :id RETURNING id)
UPDATE bookings b SET payment_status = 'pending', updated_at = app_now() FROM invoice i
WHERE b.invoice_id = i.id AND b.status = 'completed' AND b.payment_status = 'paid';

-- name: to_bill
-- Organisations that have something unbilled from before this month, whose day of billing has come, and who have no bill of
-- the period yet: what was finished later stands on the next one. All of them, as only their ids are read: of a first
-- thousand, those that cannot be billed would keep the others from it.
SELECT o.id FROM organisations o JOIN parties p ON p.id = o.id LEFT JOIN billing_settings s ON s.organisation_id = o.id
CROSS JOIN LATERAL (SELECT organisation_today(p.timezone) AS day) t
WHERE p.deleted_at IS NULL AND extract(day FROM t.day) >= coalesce(s.billing_day, 1)
  AND (coalesce(s.billing_cycle, 'monthly') = 'monthly' OR extract(month FROM t.day)::int IN (1, 4, 7, 10))
  AND NOT EXISTS (
    SELECT FROM invoices i WHERE i.organisation_id = o.id AND i.kind = 'periodic'
      AND i.period_end = (date_trunc('month', t.day) - interval '1 day')::date)
  AND EXISTS (
    SELECT FROM bookings b WHERE b.organisation_id = o.id AND b.billed_to = o.id AND b.payment_method = 'account' AND b.invoice_id IS NULL
      AND b.status IN ('completed', 'cancelled') AND b.local_date < date_trunc('month', t.day)
      AND (b.status = 'completed' OR b.cancellation_fee_minor > 0))
ORDER BY o.id;

-- name: turn_overdue
UPDATE invoices i SET status = 'overdue' FROM parties p
WHERE p.id = i.organisation_id AND i.status = 'pending' AND i.due_on < organisation_today(p.timezone)
RETURNING i.id;

-- name: claim_to_send
-- Due today or before, with payment by themselves agreed, and not yet sent a link; first those that were tried longest ago.
WITH due AS (
  SELECT i.id FROM invoices i JOIN parties p ON p.id = i.organisation_id
    JOIN billing_settings s ON s.organisation_id = i.organisation_id AND s.auto_payment
  WHERE i.status <> 'paid' AND i.link_sent_at IS NULL
    AND i.due_on <= organisation_today(p.timezone)
  ORDER BY i.link_tried_at NULLS FIRST, i.due_on LIMIT :most FOR UPDATE OF i SKIP LOCKED)
UPDATE invoices i SET link_tried_at = app_now() FROM due WHERE i.id = due.id RETURNING i.id;

-- name: link_sent
UPDATE invoices SET link_sent_at = app_now() WHERE id = :id AND link_sent_at IS NULL;

-- name: open_of
-- Those that still want money, the eldest first.
SELECT {columns} FROM {source} WHERE i.organisation_id = :organisation_id AND i.status <> 'paid'
ORDER BY i.due_on, i.id;

-- name: parts
-- What a department has on each of these.
SELECT b.invoice_id, {amounts} FROM bookings b
WHERE b.invoice_id = ANY(:invoice_ids::uuid[]) AND b.department_id = :within GROUP BY b.invoice_id;

-- name: summary_within
-- Of what a department has on invoices: a part is paid when its invoice is.
SELECT count(*)::int AS invoices,
  coalesce(sum(q.total_minor) FILTER (WHERE q.status = 'paid'), 0)::bigint AS paid_minor,
  coalesce(sum(q.total_minor) FILTER (WHERE q.status = 'pending'), 0)::bigint AS pending_minor,
  coalesce(sum(q.total_minor) FILTER (WHERE q.status = 'overdue'), 0)::bigint AS overdue_minor
FROM (
  SELECT i.status, a.subtotal_minor + a.tax_minor - a.discount_minor AS total_minor
  FROM invoices i CROSS JOIN LATERAL (
    SELECT count(*) AS bookings, {amounts} FROM bookings b WHERE b.invoice_id = i.id AND b.department_id = :within) a
  WHERE i.organisation_id = :organisation_id AND a.bookings > 0) q;

-- name: summary
SELECT count(*)::int AS invoices, coalesce(sum(i.paid_minor), 0)::bigint AS paid_minor,
  coalesce(sum(i.total_minor - i.paid_minor) FILTER (WHERE i.status = 'pending'), 0)::bigint AS pending_minor,
  coalesce(sum(i.total_minor - i.paid_minor) FILTER (WHERE i.status = 'overdue'), 0)::bigint AS overdue_minor
FROM invoices i WHERE i.organisation_id = :organisation_id;
