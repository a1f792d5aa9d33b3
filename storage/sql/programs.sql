-- part: today
-- The day that it is where the organisation is.
(SELECT organisation_today(p.timezone) FROM parties p WHERE p.id = g.organisation_id)

-- part: status_now
-- What is over by the clocks of its organisation is ended, whatever it was before.
CASE WHEN g.ends_on < {today} THEN 'ended' ELSE g.status END

-- part: columns
g.id, g.organisation_id, g.kind, g.name, g.description, {status_now} AS status, g.departments, g.employment, g.tenure_months, g.segments,
  g.credit_minor, g.currency, g.frequency, g.rollover, g.allowed_services, g.month_bookings, g.advance_days, g.cancel_hours,
  g.budget_minor, g.details, g.activation, g.starts_on, g.ends_on, g.academic_year, g.created_at

-- part: source
programs g

-- part: of_organisation
FROM programs g WHERE g.organisation_id = :organisation_id

-- name: insert
INSERT INTO programs (organisation_id, kind, name, description, status, departments, employment, tenure_months, segments,
  credit_minor, currency, frequency, rollover, allowed_services, month_bookings, advance_days, cancel_hours, budget_minor,
  details, starts_on, ends_on, academic_year)
VALUES (:organisation_id, :kind, :name, :description, :status, :departments, :employment, :tenure_months, :segments,
  :credit_minor, :currency, :frequency, :rollover, :allowed_services, :month_bookings, :advance_days, :cancel_hours,
  :budget_minor, :details, :starts_on, :ends_on, :academic_year)
RETURNING id;

-- name: get
SELECT {columns} FROM programs g WHERE g.id = :id AND g.organisation_id = :organisation_id;

-- name: lock
SELECT {columns} FROM programs g WHERE g.id = :id AND g.organisation_id = :organisation_id FOR UPDATE;

-- name: activate
UPDATE programs SET status = :status, activation = :activation WHERE id = :id;

-- name: set_status
UPDATE programs SET status = :status WHERE id = :id AND status <> :status RETURNING id;

-- part: eligible
m.organisation_id = g.organisation_id AND m.removed_at IS NULL
  AND (g.departments = '{}' OR m.department_id = ANY(g.departments))
  AND (g.employment = '{}' OR lower(m.employment_status) = ANY(g.employment))
  AND (g.tenure_months IS NULL OR m.hired_on + make_interval(months => g.tenure_months) <= {today})
  AND (g.segments = '{}' OR lower(m.segment) = ANY(g.segments))

-- name: stats
-- How many may use a program, how many have, and what it came to.
SELECT g.id, (SELECT count(*)::int FROM members m JOIN memberships s ON s.id = m.id
    WHERE s.status IN ('active', 'pending') AND {eligible}) AS eligible,
  (SELECT count(DISTINCT u.member_id)::int FROM program_uses u WHERE u.program_id = g.id AND u.state = 'used') AS enrolled,
  g.used_minor
FROM programs g WHERE g.id = ANY(:ids::uuid[]);

-- name: top_services
SELECT u.program_id, i.name AS service, count(*)::int AS bookings, sum(u.amount_minor)::bigint AS amount_minor
FROM program_uses u JOIN LATERAL (SELECT name FROM booking_items WHERE booking_id = u.booking_id ORDER BY position LIMIT 1) i ON true
WHERE u.program_id = ANY(:ids::uuid[]) AND u.state = 'used' GROUP BY u.program_id, i.name ORDER BY bookings DESC, service LIMIT 100;

-- name: providers
SELECT v.id, p.email FROM providers v JOIN parties p ON p.id = v.id WHERE v.id = ANY(:ids::uuid[]);

-- name: is_eligible
SELECT EXISTS (SELECT FROM programs g JOIN members m ON m.id = :member_id WHERE g.id = :id AND {eligible});

-- name: in_month
SELECT count(*)::int FROM program_uses WHERE program_id = :id AND member_id = :member_id AND month = :month AND state = 'used';

-- name: open_credit
-- What a member has been given by now. Where it rolls over, one row grows with each period that begins.
INSERT INTO program_credits (program_id, member_id, period, granted_minor)
SELECT g.id, :member_id, :period, g.credit_minor * :periods FROM programs g WHERE g.id = :id AND g.credit_minor IS NOT NULL
ON CONFLICT (program_id, member_id, period) DO UPDATE
SET granted_minor = greatest(program_credits.granted_minor, excluded.granted_minor);

-- name: take_credit
UPDATE program_credits SET used_minor = used_minor + :amount_minor
WHERE program_id = :id AND member_id = :member_id AND period = :period RETURNING granted_minor - used_minor;

-- name: take_budget
UPDATE programs SET used_minor = used_minor + :amount_minor WHERE id = :id;

-- name: give_back
UPDATE programs SET used_minor = used_minor - :amount_minor WHERE id = :id;

-- name: use
INSERT INTO program_uses (booking_id, program_id, member_id, period, month, amount_minor)
VALUES (:booking_id, :id, :member_id, :period, :month, :amount_minor);

-- name: used
-- A member's use of a program by a booking that holds it.
SELECT u.program_id, u.member_id, u.amount_minor, g.organisation_id FROM program_uses u JOIN programs g ON g.id = u.program_id
WHERE u.booking_id = :booking_id AND u.state = 'used' AND u.member_id IS NOT NULL;

-- name: unuse
-- A member's use of a program is as if it had not been: what it took of credit and budget is there again.
WITH gone AS (
  DELETE FROM program_uses WHERE booking_id = :booking_id AND state = 'used' AND member_id IS NOT NULL
  RETURNING program_id, member_id, period, amount_minor),
credited AS (
  UPDATE program_credits c SET used_minor = c.used_minor - u.amount_minor FROM gone u
  WHERE c.program_id = u.program_id AND c.member_id = u.member_id AND c.period = u.period),
budgeted AS (
  UPDATE programs g SET used_minor = g.used_minor - u.amount_minor FROM gone u WHERE g.id = u.program_id)
SELECT u.program_id, u.member_id, u.amount_minor, g.organisation_id FROM gone u JOIN programs g ON g.id = u.program_id;

-- name: bind
UPDATE bookings SET program_id = :id WHERE id = :booking_id;
