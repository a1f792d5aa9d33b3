-- What lists need: indexes in their order, what a search reads, and a technician's agenda as rows of its own.

-- ---------------------------------------------------------------- orders, each with the key that makes it total

DROP INDEX bookings_account;
CREATE INDEX bookings_account ON bookings (account_id, created_at DESC, id DESC);
CREATE INDEX bookings_account_status ON bookings (account_id, status, created_at DESC, id DESC);
CREATE INDEX bookings_account_starts ON bookings (account_id, starts_at DESC, id DESC);
CREATE INDEX bookings_waiting ON bookings (priority DESC, (coalesce(queued_at, created_at)), id)
  WHERE status IN ('pending', 'partner_assigned');

DROP INDEX notifications_account;
DROP INDEX notifications_technician;
CREATE INDEX notifications_account ON notifications (account_id, created_at DESC, id DESC) WHERE account_id IS NOT NULL;
CREATE INDEX notifications_technician ON notifications (technician_id, created_at DESC, id DESC) WHERE technician_id IS NOT NULL;
CREATE INDEX notifications_unread ON notifications (account_id, created_at DESC, id DESC)
  WHERE account_id IS NOT NULL AND NOT is_read;

DROP INDEX earnings_payee;
CREATE INDEX earnings_payee ON earnings (payee_id, created_at DESC, id DESC);
CREATE INDEX earnings_payee_status ON earnings (payee_id, status, created_at DESC, id DESC);

DROP INDEX payouts_party;
CREATE INDEX payouts_party ON payouts (party_id, created_at DESC, id DESC);
CREATE INDEX payouts_party_status ON payouts (party_id, status, created_at DESC, id DESC);

-- ---------------------------------------------------------------- search

-- Lower-case words: whatever is between letters, digits and signs of other scripts separates them.
CREATE FUNCTION search_words(given text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_remove(string_to_array(lower(translate(coalesce(given, ''),
    E'!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r', repeat(' ', 36))), ' '), '')
$$;

-- A phone's digits from the front and from the back, so that both ends are beginnings.
CREATE FUNCTION search_phone(given text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN digits = '' THEN '{}'::text[] ELSE ARRAY['>' || digits, '<' || reverse(digits)] END
  FROM (SELECT regexp_replace(coalesce(given, ''), '[^0-9]', '', 'g') AS digits) AS d
$$;

-- Beside the bookings and not among their columns: a booking changes often, its words hardly ever.
CREATE TABLE booking_words (
  booking_id uuid PRIMARY KEY REFERENCES bookings (id) ON DELETE CASCADE,
  words      tsvector NOT NULL
);
CREATE INDEX booking_words_words ON booking_words USING gin (words);

CREATE FUNCTION booking_words_of(b bookings) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
  SELECT array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(
    search_words(b.number) || search_words(array_to_string(b.categories, ' ')) || search_words(array_to_string(b.tiers, ' '))
    || search_words(b.contact ->> 'name') || search_phone(b.contact ->> 'phone')
    || search_words(b.address ->> 'city') || search_words(b.address ->> 'pincode')) AS word))
$$;

CREATE FUNCTION booking_words_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO booking_words (booking_id, words) VALUES (NEW.id, booking_words_of(NEW))
  ON CONFLICT (booking_id) DO UPDATE SET words = EXCLUDED.words;
  RETURN NULL;
END $$;
CREATE TRIGGER booking_words_keep AFTER INSERT OR UPDATE OF number, categories, tiers, contact, address ON bookings
  FOR EACH ROW EXECUTE FUNCTION booking_words_keep();
INSERT INTO booking_words (booking_id, words) SELECT b.id, booking_words_of(b) FROM bookings b;

-- ---------------------------------------------------------------- the agenda

-- What a technician sees: one row for a booking that was offered or assigned to them, with its newest tie. It repeats what offers,
-- assignments and bookings say, in the order in which it is read; the triggers below are the only writers.
CREATE TABLE agenda (
  technician_id uuid NOT NULL REFERENCES technicians (id),
  booking_id    uuid NOT NULL REFERENCES bookings (id) ON DELETE CASCADE,
  state         text NOT NULL,
  offer_id      uuid NOT NULL REFERENCES offers (id),
  assignment_id uuid REFERENCES assignments (id),
  -- Of an open offer.
  expires_at    timestamptz,
  local_date    date NOT NULL,
  starts_at     timestamptz NOT NULL,
  ends_at       timestamptz NOT NULL,
  PRIMARY KEY (technician_id, booking_id)
);
CREATE INDEX agenda_booking ON agenda (booking_id);
CREATE INDEX agenda_starts ON agenda (technician_id, starts_at DESC, booking_id DESC);
CREATE INDEX agenda_state ON agenda (technician_id, state, starts_at DESC, booking_id DESC);
CREATE INDEX agenda_ahead ON agenda (technician_id, starts_at, booking_id)
  WHERE state IN ('assigned', 'accepted', 'in_transit', 'arrived', 'in_progress');

CREATE FUNCTION agenda_of_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO agenda (technician_id, booking_id, state, offer_id, expires_at, local_date, starts_at, ends_at)
    SELECT NEW.technician_id, b.id, CASE NEW.state WHEN 'open' THEN 'assigned' ELSE NEW.state END, NEW.id,
      CASE NEW.state WHEN 'open' THEN NEW.expires_at END, b.local_date, b.starts_at, b.ends_at
    FROM bookings b WHERE b.id = NEW.booking_id
    ON CONFLICT (technician_id, booking_id) DO UPDATE SET state = EXCLUDED.state, offer_id = EXCLUDED.offer_id,
      assignment_id = NULL, expires_at = EXCLUDED.expires_at;
  ELSE
    UPDATE agenda SET state = CASE NEW.state WHEN 'open' THEN 'assigned' ELSE NEW.state END,
      expires_at = CASE NEW.state WHEN 'open' THEN NEW.expires_at END
    WHERE technician_id = NEW.technician_id AND booking_id = NEW.booking_id AND offer_id = NEW.id AND assignment_id IS NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_of_offer AFTER INSERT OR UPDATE OF state, expires_at ON offers
  FOR EACH ROW EXECUTE FUNCTION agenda_of_offer();

CREATE FUNCTION agenda_of_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO agenda (technician_id, booking_id, state, offer_id, assignment_id, local_date, starts_at, ends_at)
    SELECT NEW.technician_id, b.id, NEW.state, NEW.offer_id, NEW.id, b.local_date, b.starts_at, b.ends_at
    FROM bookings b WHERE b.id = NEW.booking_id
    ON CONFLICT (technician_id, booking_id) DO UPDATE SET state = EXCLUDED.state, offer_id = EXCLUDED.offer_id,
      assignment_id = EXCLUDED.assignment_id, expires_at = NULL;
  ELSE
    UPDATE agenda SET state = NEW.state
    WHERE technician_id = NEW.technician_id AND booking_id = NEW.booking_id AND assignment_id = NEW.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_of_assignment AFTER INSERT OR UPDATE OF state ON assignments
  FOR EACH ROW EXECUTE FUNCTION agenda_of_assignment();

CREATE FUNCTION agenda_of_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE agenda SET local_date = NEW.local_date, starts_at = NEW.starts_at, ends_at = NEW.ends_at WHERE booking_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_of_booking AFTER UPDATE OF local_date, starts_at, ends_at ON bookings
  FOR EACH ROW WHEN (OLD.starts_at <> NEW.starts_at OR OLD.ends_at <> NEW.ends_at OR OLD.local_date <> NEW.local_date)
  EXECUTE FUNCTION agenda_of_booking();

INSERT INTO agenda (technician_id, booking_id, state, offer_id, assignment_id, expires_at, local_date, starts_at, ends_at)
SELECT DISTINCT ON (t.technician_id, t.booking_id) t.technician_id, t.booking_id, t.state, t.offer_id, t.assignment_id, t.expires_at,
  b.local_date, b.starts_at, b.ends_at
FROM (
  SELECT a.technician_id, a.booking_id, a.state, a.offer_id, a.id AS assignment_id, NULL::timestamptz AS expires_at, a.accepted_at AS since
  FROM assignments a
  UNION ALL
  SELECT o.technician_id, o.booking_id, CASE o.state WHEN 'open' THEN 'assigned' ELSE o.state END, o.id, NULL,
    CASE o.state WHEN 'open' THEN o.expires_at END, o.made_at
  FROM offers o WHERE o.state <> 'accepted'
) AS t JOIN bookings b ON b.id = t.booking_id
ORDER BY t.technician_id, t.booking_id, t.since DESC;
