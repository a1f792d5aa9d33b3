-- name: ask
INSERT INTO booking_approvals (booking_id, member_id) SELECT :booking_id, m FROM unnest(:members::uuid[]) AS m
ON CONFLICT DO NOTHING;

-- name: wanted
-- What is asked for, and by whom.
SELECT b.id, b.number, b.organisation_id, b.department_id, b.member_id, b.grand_total_minor, b.currency, b.local_date,
  b.next_action IS NOT DISTINCT FROM 'release_unapproved' AS is_waiting,
  CASE WHEN b.next_action = 'release_unapproved' THEN 'pending_approval' ELSE b.status END AS status,
  trim(concat_ws(' ', m.first_name, m.last_name)) AS asked_by
FROM bookings b JOIN members m ON m.id = b.member_id WHERE b.id = :booking_id AND b.organisation_id = :organisation_id;

-- name: of_booking
-- Who is active, and whose role (still) decides, is there.
SELECT a.member_id, m.removed_at IS NULL AND s.status = 'active' AND s.role = ANY(:roles::text[]) AS is_there, a.decision, a.note
FROM booking_approvals a JOIN members m ON m.id = a.member_id JOIN memberships s ON s.id = m.id
WHERE a.booking_id = :booking_id ORDER BY a.member_id;

-- name: decide
UPDATE booking_approvals SET decision = :decision, note = :note, decided_at = app_now()
WHERE booking_id = :booking_id AND member_id = :member_id AND decision IS NULL RETURNING member_id;

-- name: waiting_for
-- Bookings that wait for a member's word, or did.
SELECT b.id, b.organisation_id FROM booking_approvals a JOIN bookings b ON b.id = a.booking_id
WHERE a.member_id = :member_id AND a.decision IS NULL AND b.next_action = 'release_unapproved' ORDER BY b.id;

-- name: whom
-- To whom a request is written.
SELECT m.email FROM members m WHERE m.id = ANY(:ids::uuid[]) AND m.email IS NOT NULL AND m.removed_at IS NULL ORDER BY m.id;
