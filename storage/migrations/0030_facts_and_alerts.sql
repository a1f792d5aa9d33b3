-- Every kind of caller may cause a fact and cancel a booking; alerts are unique by what they are about.

ALTER TABLE booking_events DROP CONSTRAINT booking_events_actor_kind_check;
ALTER TABLE booking_events ADD CONSTRAINT booking_events_actor_kind_check CHECK (actor_kind IN
  ('customer', 'technician', 'admin', 'organisation', 'provider', 'integration', 'erp', 'system', 'service', 'gateway'));

ALTER TABLE bookings DROP CONSTRAINT bookings_cancelled_by_check;
ALTER TABLE bookings ADD CONSTRAINT bookings_cancelled_by_check CHECK (cancelled_by IN
  ('customer', 'partner', 'system', 'admin', 'organisation', 'provider', 'integration', 'erp'));

-- What an alert is about where that is no booking, or one thing of several of a booking: `refund:<id>`, `task:<id>`.
ALTER TABLE alerts ADD COLUMN subject text;
-- Without a booking none was unique until now: of equal ones the newest stays open.
UPDATE alerts a SET resolved_at = app_now()
WHERE a.resolved_at IS NULL AND a.booking_id IS NULL
  AND EXISTS (SELECT FROM alerts n WHERE n.kind = a.kind AND n.booking_id IS NULL AND n.resolved_at IS NULL
              AND (n.created_at, n.id) > (a.created_at, a.id));
DROP INDEX alerts_open;
CREATE UNIQUE INDEX alerts_open ON alerts (kind, booking_id, subject) NULLS NOT DISTINCT WHERE resolved_at IS NULL;
CREATE INDEX alerts_subject ON alerts (subject) WHERE resolved_at IS NULL AND subject IS NOT NULL;
