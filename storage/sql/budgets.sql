-- part: columns
a.id, a.organisation_id, a.department_id, a.starts_on, a.amount_minor, a.services, a.allow_overspend,
  a.alert_threshold_pct, a.approval_above_minor

-- name: allocate
INSERT INTO budget_allocations (organisation_id, department_id, starts_on, amount_minor, services, allow_overspend,
  alert_threshold_pct, approval_above_minor, set_by)
VALUES (:organisation_id, :department_id, :starts_on, :amount_minor, :services, :allow_overspend, :alert_threshold_pct,
  :approval_above_minor, :set_by)
ON CONFLICT (organisation_id, department_id, starts_on) DO UPDATE SET amount_minor = excluded.amount_minor,
  services = excluded.services, allow_overspend = excluded.allow_overspend,
  alert_threshold_pct = excluded.alert_threshold_pct, approval_above_minor = excluded.approval_above_minor,
  set_by = excluded.set_by
RETURNING id;

-- name: apply
-- The months that have begun already follow, each the newest allocation that it lies under.
UPDATE budget_months b SET amount_minor = a.amount_minor, allow_overspend = a.allow_overspend,
  alert_threshold_pct = a.alert_threshold_pct, alerted_at = NULL
FROM budget_allocations a
WHERE b.organisation_id = :organisation_id AND b.department_id IS NOT DISTINCT FROM :department_id::uuid
  AND b.month >= :starts_on AND a.organisation_id = b.organisation_id
  AND a.department_id IS NOT DISTINCT FROM b.department_id AND a.starts_on = (
    SELECT max(n.starts_on) FROM budget_allocations n WHERE n.organisation_id = b.organisation_id
      AND n.department_id IS NOT DISTINCT FROM b.department_id AND n.starts_on <= b.month);

-- name: in_force
-- What is allotted in a month: to the whole (no department) and to each department, the newest of each. One that was closed has
-- nothing any more.
SELECT DISTINCT ON (a.department_id) {columns} FROM budget_allocations a LEFT JOIN departments d ON d.id = a.department_id
WHERE a.organisation_id = :organisation_id AND a.starts_on <= :month AND d.deleted_at IS NULL
ORDER BY a.department_id, a.starts_on DESC;

-- name: for_others
-- Whether, in one of these months, a budget that is concerned is allotted for other services than these.
SELECT EXISTS (
  SELECT FROM unnest(:months::date[]) AS m (month) CROSS JOIN LATERAL (
    SELECT DISTINCT ON (a.department_id) a.services FROM budget_allocations a
    WHERE a.organisation_id = :organisation_id AND a.starts_on <= m.month
      AND (a.department_id IS NULL OR a.department_id = :department_id::uuid)
    ORDER BY a.department_id, a.starts_on DESC) a
  WHERE a.services <> '{}' AND NOT a.services @> :categories::text[]);

-- name: hold_allotments
-- Whoever allots is alone: a statement of its own, so that what comes after it sees what it waited for.
SELECT id FROM organisations WHERE id = :organisation_id FOR UPDATE;

-- name: read_allotments
-- Whoever opens a month waits for who is allotting, and for nobody else.
SELECT id FROM organisations WHERE id = :organisation_id FOR KEY SHARE;

-- name: open_month
-- The account of a month, as it is allotted; whoever is second finds it there.
INSERT INTO budget_months (organisation_id, department_id, month, amount_minor, allow_overspend, alert_threshold_pct)
SELECT :organisation_id, :department_id::uuid, :month, a.amount_minor, coalesce(a.allow_overspend, true),
  coalesce(a.alert_threshold_pct, 75)
FROM (SELECT) AS one LEFT JOIN LATERAL (
  SELECT amount_minor, allow_overspend, alert_threshold_pct FROM budget_allocations
  WHERE organisation_id = :organisation_id AND department_id IS NOT DISTINCT FROM :department_id::uuid AND starts_on <= :month
  ORDER BY starts_on DESC LIMIT 1) a ON true
ON CONFLICT (organisation_id, department_id, month) DO NOTHING;

-- name: months
-- The accounts of a span of months.
SELECT m.id, m.organisation_id, m.department_id, m.month, m.amount_minor, m.allow_overspend, m.alert_threshold_pct,
  m.reserved_minor, m.spent_minor, m.alerted_at
FROM budget_months m
WHERE m.organisation_id = :organisation_id AND m.month BETWEEN :from_month AND :to_month ORDER BY m.month, m.department_id;

-- name: move
-- Reserves, spends or gives back, in every account that is concerned: the department's and the whole organisation's, month by
-- month. Whoever comes together waits in this order; what passes a budget that forbids it breaks budget_never_passed.
WITH moved AS (SELECT * FROM unnest(:months::date[], :reserved::bigint[], :spent::bigint[]) AS x (month, reserved, spent)),
locked AS (
  SELECT b.id FROM budget_months b
  WHERE b.organisation_id = :organisation_id AND b.month = ANY(:months)
    AND (b.department_id IS NULL OR b.department_id = :department_id::uuid)
  ORDER BY b.month, b.department_id NULLS FIRST FOR UPDATE)
UPDATE budget_months b SET reserved_minor = b.reserved_minor + x.reserved, spent_minor = b.spent_minor + x.spent
FROM locked l, moved x WHERE b.id = l.id AND x.month = b.month
RETURNING b.id, b.organisation_id, b.department_id, b.month, b.amount_minor, b.allow_overspend, b.alert_threshold_pct,
  b.reserved_minor, b.spent_minor, b.alerted_at;

-- name: warned
UPDATE budget_months SET alerted_at = app_now() WHERE id = :id AND alerted_at IS NULL RETURNING id;

-- name: hold
INSERT INTO budget_holds (booking_id, organisation_id, department_id, month, amount_minor)
VALUES (:booking_id, :organisation_id, :department_id, :month, :amount_minor);

-- name: held
-- What a booking holds and has not spent, and whose booking it is.
SELECT h.organisation_id, h.department_id, h.month, h.amount_minor, k.member_id
FROM budget_holds h JOIN bookings k ON k.id = h.booking_id WHERE h.booking_id = :booking_id AND h.state = 'reserved' FOR UPDATE OF h;

-- name: hold_in
UPDATE budget_holds SET month = :month WHERE booking_id = :booking_id;

-- name: warn_whom
-- Who answers for a budget: the department's manager, and where the organisation is written to.
SELECT DISTINCT ON (lower(w.email)) w.email, coalesce(d.name, p.name) AS name
FROM organisations o JOIN parties p ON p.id = o.id LEFT JOIN departments d ON d.id = :department_id::uuid
  LEFT JOIN members m ON m.id = d.manager_id AND m.removed_at IS NULL
  CROSS JOIN LATERAL (VALUES (coalesce(o.contacts #>> '{primary,email}', o.registered_email)), (coalesce(m.email, d.manager_email))) AS w (email)
WHERE o.id = :organisation_id AND w.email IS NOT NULL ORDER BY lower(w.email);
