-- part: columns
b.id, b.number, b.organisation_id, b.department_id, b.program_id, b.member_id, b.account_id, b.type, b.status, b.service_id,
  b.title, b.category, b.tier, b.duration_minutes, b.schedule, b.timezone, b.budget_code, b.requirements, b.currency,
  b.list_minor, b.price_minor, b.tax_minor, b.discount_pct, b.billed_to, b.reason, b.created_at

-- name: insert
INSERT INTO bulk_bookings (number, organisation_id, department_id, program_id, member_id, account_id, type, status, service_id,
  title, category, tier, duration_minutes, schedule, timezone, budget_code, requirements, currency, list_minor, price_minor,
  tax_minor, discount_pct, billed_to)
VALUES (:number, :organisation_id, :department_id, :program_id, :member_id, :account_id, :type, :status, :service_id, :title,
  :category, :tier, :duration_minutes, :schedule, :timezone, :budget_code, :requirements, :currency, :list_minor, :price_minor,
  :tax_minor, :discount_pct, :billed_to)
RETURNING id;

-- name: add_location
INSERT INTO bulk_locations (bulk_id, position, name, address, contact, zone_id, lat, lng, is_approximate, number)
VALUES (:bulk_id, :position, :name, :address, :contact, :zone_id, :lat, :lng, :is_approximate, :number) RETURNING id;

-- name: add_visits
INSERT INTO bulk_visits (bulk_id, location_id, on_date, at_time)
SELECT :bulk_id, :location_id, d, t FROM unnest(:dates::date[], :times::time[]) AS v (d, t);

-- name: add_approvals
INSERT INTO bulk_approvals (bulk_id, member_id) SELECT :bulk_id, m FROM unnest(:members::uuid[]) AS m
ON CONFLICT DO NOTHING;

-- name: get
SELECT {columns} FROM bulk_bookings b WHERE b.id = :id AND b.organisation_id = :organisation_id;

-- name: lock
SELECT {columns} FROM bulk_bookings b
WHERE b.id = :id AND (:organisation_id::uuid IS NULL OR b.organisation_id = :organisation_id) FOR UPDATE;

-- name: locations
SELECT l.id, l.position, l.name, l.address, l.contact, l.zone_id, l.lat, l.lng, l.is_approximate, l.number
FROM bulk_locations l WHERE l.bulk_id = :bulk_id ORDER BY l.position;

-- name: approvals
-- Who is active, and whose role (still) decides, is there.
SELECT a.member_id, trim(m.first_name || ' ' || m.last_name) AS name,
  m.removed_at IS NULL AND s.status = 'active' AND s.role = ANY(:roles::text[]) AS is_there, a.decision, a.note, a.decided_at
FROM bulk_approvals a JOIN members m ON m.id = a.member_id JOIN memberships s ON s.id = m.id WHERE a.bulk_id = :bulk_id ORDER BY a.member_id;

-- name: approvers
-- Who of these may approve: active members whose role decides.
SELECT m.id FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND m.id = ANY(:ids::uuid[]) AND m.removed_at IS NULL AND s.status = 'active'
  AND s.role = ANY(:roles::text[]);

-- name: deciders
-- Everybody of the organisation whose role decides for the whole of it.
SELECT m.id FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND s.status = 'active' AND s.role = ANY(:roles::text[])
ORDER BY m.enrolled_at, m.id;

-- name: owner
SELECT m.id AS member_id, s.account_id FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND s.role = 'partner_owner' AND m.removed_at IS NULL
ORDER BY m.enrolled_at LIMIT 1;

-- name: decide
UPDATE bulk_approvals SET decision = :decision, note = :note, decided_at = app_now()
WHERE bulk_id = :bulk_id AND member_id = :member_id AND decision IS NULL RETURNING member_id;

-- name: set_status
UPDATE bulk_bookings SET status = :status, reason = coalesce(:reason, reason), updated_at = app_now()
WHERE id = :id AND status = ANY(:sources::text[]) RETURNING id;

-- part: visit_columns
v.id, v.location_id, l.name AS location, v.on_date, v.at_time, v.state, v.booking_id, v.trouble, k.number AS booking_number,
  k.status AS booking_status, k.starts_at

-- part: visit_source
bulk_visits v JOIN bulk_locations l ON l.id = v.location_id LEFT JOIN bookings k ON k.id = v.booking_id

-- part: of_bulk
FROM bulk_visits v WHERE v.bulk_id = :bulk_id

-- name: waiting_for
-- Those that wait for a member's word, or did.
SELECT b.id FROM bulk_approvals a JOIN bulk_bookings b ON b.id = a.bulk_id
WHERE a.member_id = :member_id AND a.decision IS NULL AND b.status = 'pending_approval' ORDER BY b.id;

-- name: sums
SELECT min(on_date) FILTER (WHERE state = 'planned') AS next_on,
  count(*) FILTER (WHERE state NOT IN ('skipped', 'cancelled', 'failed'))::int AS visits,
  count(*) FILTER (WHERE state = 'done')::int AS done, count(DISTINCT (on_date, at_time)) FILTER (
    WHERE state NOT IN ('skipped', 'cancelled', 'failed'))::int AS occurrences
FROM bulk_visits WHERE bulk_id = :bulk_id;

-- name: to_book
-- What is to become a booking: visits of active bulks of active organisations within so many days of their place, by their time;
-- the next after one that was looked at, so that those in trouble keep nobody waiting. No place is further ahead than Kiritimati.
SELECT v.id, v.bulk_id, v.on_date, v.at_time FROM bulk_visits v JOIN bulk_bookings b ON b.id = v.bulk_id
  JOIN organisations o ON o.id = b.organisation_id
WHERE v.state = 'planned' AND b.status = 'active' AND o.status = 'active'
  AND v.on_date <= (app_now() AT TIME ZONE 'Pacific/Kiritimati')::date + :days::int
  AND v.on_date <= (app_now() AT TIME ZONE b.timezone)::date + :days
  AND (:after_id::uuid IS NULL OR (v.on_date, v.at_time, v.id) > (:after_date::date, :after_time::time, :after_id))
ORDER BY v.on_date, v.at_time, v.id LIMIT 500;

-- name: take
-- One visit, unless another node was quicker: whoever asks holds the lock of its series.
SELECT v.id, v.bulk_id, v.location_id, v.on_date, v.at_time, v.state FROM bulk_visits v
WHERE v.id = :id AND v.state = 'planned';

-- name: booked
UPDATE bulk_visits SET state = 'booked', booking_id = :booking_id, trouble = NULL WHERE id = :id AND state = 'planned';

-- name: in_trouble
-- A visit that failed is over, and counts for a week alone: what stands against others months later is told again.
SELECT EXISTS (SELECT FROM bulk_visits WHERE bulk_id = :bulk_id AND trouble IS NOT NULL
  AND (state = 'planned' OR state = 'failed' AND on_date >= app_now()::date - 7));

-- name: troubled
-- What stood against it first is kept: that its time has passed then says nothing.
UPDATE bulk_visits SET trouble = coalesce(trouble, :trouble), state = :state WHERE id = :id AND state = 'planned' RETURNING id;

-- name: over
-- A booking is over: what of a bulk it was, what of a budget it held, and what of a credit it used. The fee of a cancelled one is
-- spent of the program's budget, not of the member's credit.
WITH visit AS (
  UPDATE bulk_visits SET state = :visit_state WHERE booking_id = :booking_id AND state = 'booked' RETURNING bulk_id),
held AS (
  UPDATE budget_holds SET state = :hold_state WHERE booking_id = :booking_id AND state = 'reserved'
  RETURNING organisation_id, department_id, month, amount_minor),
-- A cancelled one gives a program's credit back, but where its member was later than the program allows.
unused AS (
  UPDATE program_uses u SET state = 'released' FROM programs g, bookings k
  WHERE u.booking_id = :booking_id AND u.state = 'used' AND :hold_state::text = 'released' AND g.id = u.program_id
    AND k.id = u.booking_id AND (NOT :by_member::boolean OR g.cancel_hours IS NULL
      OR app_now() <= k.starts_at - make_interval(hours => g.cancel_hours))
  RETURNING u.program_id, u.member_id, u.period, u.amount_minor),
credited AS (
  UPDATE program_credits c SET used_minor = c.used_minor - u.amount_minor FROM unused u
  WHERE c.program_id = u.program_id AND c.member_id = u.member_id AND c.period = u.period),
budgeted AS (
  UPDATE programs g SET used_minor = g.used_minor - u.amount_minor + :fee_minor::bigint FROM unused u WHERE g.id = u.program_id)
SELECT (SELECT bulk_id FROM visit) AS bulk_id, held.organisation_id, held.department_id, held.month, held.amount_minor
FROM (SELECT) AS one LEFT JOIN held ON true;

-- name: drop_planned
-- Visits that will not be: skipped on some days, or all that are left.
UPDATE bulk_visits SET state = :state WHERE bulk_id = :bulk_id AND state = 'planned'
  AND (:dates::date[] IS NULL OR on_date = ANY(:dates)) AND (:before::date IS NULL OR on_date < :before)
RETURNING id, on_date;

-- name: open_bookings
-- Bookings of a bulk that have not begun (of the days on which they are now, should they have been moved), by their ids: whoever
-- locks them does so in this order.
SELECT v.booking_id AS id, k.account_id FROM bulk_visits v JOIN bookings k ON k.id = v.booking_id
WHERE v.bulk_id = :bulk_id AND v.state = 'booked' AND k.status IN ('pending', 'partner_assigned', 'confirmed')
  AND (:dates::date[] IS NULL OR k.local_date = ANY(:dates)) ORDER BY v.booking_id;

-- name: finish
-- Nothing of it is left; one that nobody has answered is cancelled, and why the caller says.
UPDATE bulk_bookings b SET status = CASE b.status WHEN 'pending_approval' THEN 'cancelled' ELSE 'completed' END,
  reason = CASE b.status WHEN 'pending_approval' THEN coalesce(:reason, b.reason) ELSE b.reason END, updated_at = app_now()
WHERE b.id = :id AND b.status IN ('active', 'paused', 'pending_approval') AND NOT EXISTS (
  SELECT FROM bulk_visits v WHERE v.bulk_id = b.id AND v.state IN ('planned', 'booked')) RETURNING id;

-- name: finish_all
-- Those whose last visits ended together, each unseen by the other.
UPDATE bulk_bookings b SET status = 'completed', updated_at = app_now()
WHERE b.status IN ('active', 'paused') AND NOT EXISTS (
  SELECT FROM bulk_visits v WHERE v.bulk_id = b.id AND v.state IN ('planned', 'booked'));

-- name: overdue
-- Bulks that are paused, wait for a word or for their organisation, while days of theirs went by.
SELECT DISTINCT b.id FROM bulk_bookings b JOIN bulk_visits v ON v.bulk_id = b.id JOIN organisations o ON o.id = b.organisation_id
WHERE (b.status IN ('paused', 'pending_approval') OR (b.status = 'active' AND o.status <> 'active')) AND v.state = 'planned'
  AND v.on_date < (app_now() AT TIME ZONE b.timezone)::date ORDER BY b.id LIMIT 200;

-- name: bind
-- Whose booking it is within its organisation.
UPDATE bookings SET department_id = :department_id, member_id = :member_id, budget_code = :budget_code,
  requirements = :requirements WHERE id = :booking_id;

-- name: spent_in_month
-- What a member's bookings of a month come to, but for the cancelled and those under a program, with the visits that are still
-- to become bookings.
SELECT ((SELECT coalesce(sum(grand_total_minor), 0) FROM bookings
    WHERE member_id = :member_id AND program_id IS NULL AND local_date >= :month AND local_date < :month + interval '1 month'
      AND status NOT IN ('cancelled', 'refunded'))
  + (SELECT coalesce(sum(b.price_minor + b.tax_minor), 0) FROM bulk_bookings b JOIN bulk_visits v ON v.bulk_id = b.id
    WHERE b.member_id = :member_id AND b.program_id IS NULL AND v.state = 'planned' AND v.on_date >= :month AND v.on_date < :month + interval '1 month')
  )::bigint;

-- part: line_columns
e.id, e.bulk_id, e.number, e.type, e.service, e.category, e.location, e.status, e.frequency, e.currency, e.per_booking_minor,
  e.paid_minor, e.remaining_minor, e.next_on, e.next_time, e.timezone, e.first_on, e.last_on, e.visits, e.done, e.department_id,
  d.name AS department_name, e.member_id, trim(m.first_name || ' ' || m.last_name) AS member_name, m.email AS member_email,
  e.created_at

-- part: line_source
organisation_bookings e LEFT JOIN departments d ON d.id = e.department_id LEFT JOIN members m ON m.id = e.member_id

-- part: of_organisation
-- Whoever is bound to a department also finds what they were asked to approve for another.
FROM organisation_bookings e
WHERE e.organisation_id = :organisation_id AND (:within::uuid IS NULL OR e.department_id = :within
  OR EXISTS (SELECT FROM bulk_approvals a WHERE a.bulk_id = e.bulk_id AND a.member_id = :member_id::uuid)
  OR EXISTS (SELECT FROM booking_approvals a WHERE a.booking_id = e.id AND a.member_id = :member_id))

-- name: summary
SELECT (SELECT count(*)::int FROM organisation_bookings e WHERE e.organisation_id = :organisation_id
    AND (:within::uuid IS NULL OR e.department_id = :within)) AS total,
  (SELECT count(*)::int FROM organisation_bookings e WHERE e.organisation_id = :organisation_id
    AND (:within::uuid IS NULL OR e.department_id = :within)
    AND e.status IN ('active', 'paused', 'pending', 'partner_assigned', 'confirmed', 'in_progress')) AS active,
  count(*) FILTER (WHERE k.status = 'completed' AND k.local_date >= :month)::int AS completed_this_month,
  coalesce(sum(k.grand_total_minor) FILTER (WHERE k.status = 'completed'), 0)::bigint AS spent_minor
FROM bookings k WHERE k.organisation_id = :organisation_id AND (:within::uuid IS NULL OR k.department_id = :within);
