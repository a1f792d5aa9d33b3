-- part: columns
m.id, m.organisation_id, s.account_id, s.role, s.status, m.department_id, d.name AS department_name, m.first_name,
  m.last_name, m.email, m.phone, m.employee_no, m.access_level, m.can_book, m.require_approval, m.monthly_limit_minor,
  m.allowed_services, m.employment_status, m.hired_on, m.segment, m.status_reason, m.next_status, m.next_status_on,
  m.enrolled_at, m.last_active_at

-- part: source
members m JOIN memberships s ON s.id = m.id LEFT JOIN departments d ON d.id = m.department_id

-- part: of_organisation
FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND (:within::uuid IS NULL OR m.department_id = :within)

-- name: is_somebodys
-- Whether anybody signs in, or is invited to sign in, with this address.
SELECT EXISTS (SELECT FROM accounts a WHERE lower(a.email) = lower(:email) AND a.erased_at IS NULL
  AND (a.password_hash IS NOT NULL OR EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)));

-- name: add_account
-- Nobody has proved anything yet; a phone that somebody else named is no account's.
INSERT INTO accounts (email, name) VALUES (:email, :name) RETURNING id;

-- name: add_membership
-- Whoever was removed may come back; anybody else is a member already.
INSERT INTO memberships (account_id, realm, role, party_id, status)
VALUES (:account_id, 'organisation', :role, :organisation_id, :status)
ON CONFLICT (account_id, realm, party_id) DO UPDATE SET role = excluded.role, status = excluded.status
WHERE memberships.status = 'removed' RETURNING id;

-- name: insert
INSERT INTO members (id, organisation_id, department_id, first_name, last_name, email, phone, employee_no, access_level,
  employment_status, hired_on, segment)
VALUES (:id, :organisation_id, :department_id, :first_name, :last_name, :email, :phone, :employee_no, :access_level,
  :employment_status, :hired_on, :segment)
ON CONFLICT (id) DO UPDATE SET department_id = excluded.department_id, first_name = excluded.first_name,
  last_name = excluded.last_name, email = excluded.email, phone = excluded.phone, employee_no = excluded.employee_no,
  access_level = excluded.access_level, employment_status = excluded.employment_status, hired_on = excluded.hired_on,
  segment = excluded.segment, can_book = true, require_approval = false, monthly_limit_minor = NULL, allowed_services = '{}',
  status_reason = NULL, next_status = NULL, next_status_on = NULL, removed_at = NULL, enrolled_at = app_now(),
  updated_at = app_now();

-- name: get
SELECT {columns} FROM {source} WHERE m.id = :id AND m.organisation_id = :organisation_id AND m.removed_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE m.id = :id AND m.organisation_id = :organisation_id AND m.removed_at IS NULL
FOR UPDATE OF m, s;

-- name: lock_owner
-- Whom an organisation belongs to; none where they were erased.
SELECT {columns} FROM {source} WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND s.role = 'partner_owner'
FOR UPDATE OF m, s;

-- name: lock_by_email
SELECT {columns} FROM {source} WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND lower(m.email) = lower(:email)
FOR UPDATE OF m, s;

-- name: hand_over
-- The only way in which an owner changes; whoever is one is bound by nothing that an administrator has set for them.
UPDATE members SET access_level = :access_level, can_book = true, require_approval = false, monthly_limit_minor = NULL,
  allowed_services = '{}', next_status = NULL, next_status_on = NULL, updated_at = app_now() WHERE id = :id;

-- name: of_account
-- As whom an account belongs to an organisation just now: by its own tie, else by the phone that its owner has proved and
-- under which the organisation knows somebody.
SELECT {columns} FROM {source}
WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND (s.account_id = :account_id OR m.phone = (
  SELECT a.phone FROM accounts a WHERE a.id = :account_id AND a.is_verified))
ORDER BY s.account_id = :account_id DESC, s.status = 'active' DESC, m.enrolled_at, m.id LIMIT 1;

-- name: department_of
SELECT department_id FROM members WHERE id = :id AND removed_at IS NULL;

-- name: known
-- How many of these are members of the organisation.
SELECT count(*)::int FROM members WHERE organisation_id = :organisation_id AND id = ANY(:ids::uuid[]) AND removed_at IS NULL;

-- name: set_access
UPDATE members SET department_id = :department_id, access_level = :access_level, can_book = :can_book,
  require_approval = :require_approval, monthly_limit_minor = :monthly_limit_minor, allowed_services = :allowed_services,
  updated_at = app_now() WHERE id = :id;

-- name: change
UPDATE members SET first_name = :first_name, last_name = :last_name, phone = :phone, employee_no = :employee_no,
  employment_status = :employment_status, hired_on = :hired_on, segment = :segment, updated_at = app_now() WHERE id = :id;

-- name: set_role
UPDATE memberships SET role = :role WHERE id = :id;

-- name: set_status
UPDATE memberships SET status = :status WHERE id = :id AND status <> :status RETURNING id;

-- name: note_status
UPDATE members SET status_reason = :reason, removed_at = CASE WHEN :status = 'removed' THEN app_now() END,
  next_status = NULL, next_status_on = NULL, updated_at = app_now() WHERE id = :id;

-- name: tell_no_more
-- Reports and invoices no longer go to the address of somebody who is gone, unless it is another's by now.
WITH gone AS (
  SELECT m.organisation_id, lower(m.email) AS email FROM members m
  WHERE m.id = ANY(:ids::uuid[]) AND m.email IS NOT NULL AND NOT EXISTS (
    SELECT FROM members o WHERE o.organisation_id = m.organisation_id AND lower(o.email) = lower(m.email) AND o.removed_at IS NULL
      AND o.id <> m.id)),
reports AS (
  UPDATE report_definitions d SET recipients = ARRAY(SELECT r FROM unnest(d.recipients) WITH ORDINALITY AS u (r, n)
    WHERE lower(r) <> g.email ORDER BY n)
  FROM gone g WHERE d.organisation_id = g.organisation_id AND EXISTS (SELECT FROM unnest(d.recipients) AS r WHERE lower(r) = g.email))
UPDATE billing_settings b SET recipients = ARRAY(SELECT r FROM unnest(b.recipients) WITH ORDINALITY AS u (r, n)
  WHERE lower(r) <> g.email ORDER BY n)
FROM gone g WHERE b.organisation_id = g.organisation_id AND EXISTS (SELECT FROM unnest(b.recipients) AS r WHERE lower(r) = g.email);

-- name: still_told
-- Those of a list of addresses to which something may be sent just now: whoever is suspended stays on it, and gets nothing.
SELECT u.address FROM unnest(:addresses::text[]) WITH ORDINALITY AS u (address, n) WHERE NOT EXISTS (
  SELECT FROM members m JOIN memberships s ON s.id = m.id WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL
    AND lower(m.email) = lower(u.address) AND s.status IN ('suspended', 'inactive')) ORDER BY u.n;

-- name: plan_status
UPDATE members SET next_status = :status, next_status_on = :on_day, status_reason = :reason, updated_at = app_now()
WHERE id = :id;

-- name: due_changes
SELECT m.id, m.organisation_id, m.next_status AS status, m.status_reason AS reason FROM members m JOIN parties p ON p.id = m.organisation_id
WHERE m.next_status IS NOT NULL AND m.next_status_on <= organisation_today(p.timezone)
ORDER BY m.next_status_on LIMIT 500;

-- name: totals
SELECT count(*)::int AS total, count(*) FILTER (WHERE s.status = 'active')::int AS active,
  count(*) FILTER (WHERE s.status = 'pending')::int AS pending
FROM members m JOIN memberships s ON s.id = m.id
WHERE m.organisation_id = :organisation_id AND m.removed_at IS NULL AND (:within::uuid IS NULL OR m.department_id = :within);

-- name: stats
-- What members have booked within their organisation.
SELECT b.member_id AS id, count(*)::int AS bookings, max(b.starts_at) AS last_booking,
  coalesce(sum(b.grand_total_minor) FILTER (WHERE b.status = 'completed'), 0)::bigint AS spent_minor
FROM bookings b WHERE b.member_id = ANY(:ids::uuid[]) AND b.status <> 'cancelled' GROUP BY b.member_id;
