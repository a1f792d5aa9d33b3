-- A booking waits, it is not given up: while it stands in the queue it looks again by itself. Its entry rests while an
-- offer is open. A technician may hold several open offers, each in a place of their own.

ALTER TABLE bookings
  -- Looks in a row that found nobody; more than 0: it looks again at a hint and, if `next_action` says so, by a timer.
  ADD COLUMN looks int NOT NULL DEFAULT 0 CHECK (looks >= 0),
  -- The transient reasons that alone stand between the booking and somebody, the most frequent first.
  ADD COLUMN waits_for text[] NOT NULL DEFAULT '{}',
  DROP CONSTRAINT booking_waits,
  -- No booking is lost: an open one waits for a timer or for a person, or for both.
  ADD CONSTRAINT booking_waits CHECK
    (status NOT IN ('pending', 'partner_assigned') OR next_action_at IS NOT NULL OR queued_at IS NOT NULL),
  ADD CONSTRAINT booking_looks CHECK (looks = 0 OR (status = 'pending' AND queued_at IS NOT NULL)),
  ADD CONSTRAINT booking_waits_for CHECK (waits_for = '{}' OR looks > 0),
  DROP CONSTRAINT bookings_next_action_check,
  ADD CONSTRAINT bookings_next_action_check CHECK
    (next_action IN ('dispatch', 'look', 'offer_expiry', 'release_unpaid', 'watch'));

-- Who waits around a place: what a technician who has become free looks up.
CREATE INDEX bookings_looking ON bookings USING gist (point(lng, lat)) WHERE looks > 0;
DROP INDEX bookings_queue;
CREATE INDEX bookings_queue ON bookings (priority DESC, queued_at) WHERE queued_at IS NOT NULL AND status = 'pending';

ALTER TABLE offers ADD COLUMN place smallint NOT NULL DEFAULT 1 CHECK (place BETWEEN 1 AND 10);
CREATE UNIQUE INDEX offers_one_open_per_place ON offers (technician_id, place) WHERE state = 'open';
DROP INDEX offers_one_open_per_technician;

-- Looks in a row that found nobody are one row, the last of them explained.
ALTER TABLE match_attempts ADD COLUMN looks int NOT NULL DEFAULT 1 CHECK (looks >= 1);

-- A block that is lifted, or set, changes what its technician may do: every node hears of it as of any other change.
CREATE FUNCTION technician_blocks_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE technicians SET changed_at = clock_timestamp() WHERE id = coalesce(NEW.technician_id, OLD.technician_id);
  RETURN NULL;
END $$;
CREATE TRIGGER technician_blocks_touch AFTER INSERT OR DELETE ON technician_blocks
  FOR EACH ROW EXECUTE FUNCTION technician_blocks_touch();
