-- Lists that grow with the years, for the filters that are used beside their usual order. An index that began with the same columns
-- gives way to one that ends in the order's last key, so that nothing is written twice.
DROP INDEX alerts_open_list;
CREATE INDEX alerts_state ON alerts ((resolved_at IS NULL), created_at DESC, id DESC);
CREATE INDEX alerts_kind ON alerts (kind, created_at DESC, id DESC);
CREATE INDEX contact_submissions_status ON contact_submissions (status, created_at DESC, id DESC);
DROP INDEX files_owner;
CREATE INDEX files_owner ON files (owner_kind, owner_id, created_at DESC, id DESC) WHERE state = 'kept';
CREATE INDEX files_purpose ON files (purpose, created_at DESC, id DESC) WHERE state = 'kept';
CREATE INDEX invoices_status ON invoices (status, issued_on DESC, id DESC);
DROP INDEX payouts_status;
CREATE INDEX payouts_status ON payouts (status, created_at DESC, id DESC);
CREATE INDEX payouts_requests_status ON payouts (status, created_at DESC, id DESC) WHERE is_request;
DROP INDEX quotes_open;
CREATE INDEX quotes_status ON quotes (status, created_at DESC, id DESC);
CREATE INDEX rota_account ON rota (account_id, starts_at DESC, id DESC);
CREATE INDEX support_tickets_status ON support_tickets (status, created_at DESC, id DESC);
CREATE INDEX support_tickets_assigned ON support_tickets (assigned_to, created_at DESC, id DESC) WHERE assigned_to IS NOT NULL;
CREATE INDEX trade_orders_created ON trade_orders (created_at DESC, id DESC);
CREATE INDEX delivery_notes_created ON delivery_notes (created_at DESC, id DESC);
DROP INDEX trade_partners_parent;
CREATE INDEX trade_partners_parent ON trade_partners (parent_no, no) WHERE parent_no IS NOT NULL;
DROP INDEX trade_partners_salesperson;
CREATE INDEX trade_partners_salesperson ON trade_partners (salesperson_id, no) WHERE salesperson_id IS NOT NULL;

-- Of deliveries, those that are looked for: a delivered one costs it nothing more.
CREATE INDEX webhook_deliveries_undelivered ON webhook_deliveries (owner_key, state, created_at DESC, no DESC) WHERE state <> 'delivered';

-- What an organisation booked is put in order, and counted, without its visits and the names of services where nobody asks for them.
CREATE OR REPLACE VIEW organisation_bookings AS
SELECT l.id, b.organisation_id, b.department_id, b.member_id, b.id AS bulk_id, l.number, b.type, b.title AS service, b.category,
  l.name AS location, b.status, b.schedule ->> 'frequency' AS frequency, b.currency, b.list_minor AS per_booking_minor,
  b.created_at, v.first_on, v.last_on, v.next_on, v.next_time, b.timezone, v.visits, v.done,
  v.done * b.price_minor AS paid_minor, (v.visits - v.done) * b.price_minor AS remaining_minor
FROM bulk_bookings b JOIN bulk_locations l ON l.bulk_id = b.id LEFT JOIN LATERAL (
  SELECT min(on_date) AS first_on, max(on_date) AS last_on,
    count(*) FILTER (WHERE state NOT IN ('skipped', 'cancelled', 'failed'))::int AS visits,
    count(*) FILTER (WHERE state = 'done')::int AS done,
    (array_agg(on_date ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_on,
    (array_agg(at_time ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_time
  FROM (
    SELECT x.state, coalesce(k.local_date, x.on_date) AS on_date, coalesce(k.local_time, x.at_time) AS at_time
    FROM bulk_visits x LEFT JOIN bookings k ON k.id = x.booking_id WHERE x.location_id = l.id) m) v ON true
UNION ALL
SELECT k.id, k.organisation_id, k.department_id, k.member_id, NULL, k.number, 'one_time',
  (SELECT name FROM booking_items WHERE booking_id = k.id ORDER BY id LIMIT 1), k.categories[1],
  coalesce(k.address ->> 'name', k.address ->> 'address_line1'),
  CASE WHEN k.next_action = 'release_unapproved' THEN 'pending_approval' ELSE k.status END, 'once', k.currency, k.subtotal_minor, k.created_at,
  k.local_date, k.local_date, CASE WHEN k.status IN ('pending', 'partner_assigned', 'confirmed') THEN k.local_date END,
  k.local_time, k.timezone, 1, (k.status = 'completed')::int,
  CASE WHEN k.status = 'completed' THEN k.subtotal_minor - k.savings_minor - k.discount_minor ELSE 0 END,
  CASE WHEN k.status IN ('completed', 'cancelled', 'refunded') THEN 0 ELSE k.subtotal_minor - k.savings_minor - k.discount_minor END
FROM bookings k
WHERE k.organisation_id IS NOT NULL AND NOT EXISTS (SELECT FROM bulk_visits v WHERE v.booking_id = k.id);
