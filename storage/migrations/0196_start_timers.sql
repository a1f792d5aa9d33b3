-- A booking that waits for people, or for a fact to change, has a timer at its start: if nobody has it by then, its customer
-- and staff are told so.
ALTER TABLE bookings DROP CONSTRAINT bookings_next_action_check,
  ADD CONSTRAINT bookings_next_action_check CHECK
    (next_action IN ('dispatch', 'look', 'start', 'offer_expiry', 'release_unpaid', 'release_unapproved', 'watch'));

UPDATE bookings SET next_action = 'start', next_action_at = starts_at
WHERE status = 'pending' AND queued_at IS NOT NULL AND next_action IS NULL AND starts_at > app_now();
