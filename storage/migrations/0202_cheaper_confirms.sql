-- What a confirm and an acceptance cost the database beside their own rows.

-- A function in SQL that is not laid into its statement is parsed and planned anew by every statement that calls it: half a
-- millisecond for the words of one booking, a quarter for what is asked of it. In PL/pgSQL they are planned once a session.
CREATE OR REPLACE FUNCTION booking_words_of(b bookings) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN array_to_tsvector(ARRAY(SELECT DISTINCT left(word, 100) FROM unnest(
    search_words(concat_ws(' ', b.number, array_to_string(b.categories, ' '), array_to_string(b.tiers, ' '),
      b.contact ->> 'name', b.address ->> 'city', b.address ->> 'pincode'))
    || search_phone(b.contact ->> 'phone')) AS word));
END $$;

CREATE OR REPLACE FUNCTION asked_of(booking uuid, OUT wallet_minor bigint, OUT outstanding_fee_minor bigint,
  OUT to_collect_minor bigint, OUT collected_minor bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT coalesce(sum(p.captured_minor) FILTER (WHERE p.kind = 'wallet'), 0),
    coalesce(sum(p.dues_minor), 0),
    coalesce(sum(p.amount_minor) FILTER (WHERE p.kind = 'cash' AND p.captured_minor = 0), 0),
    coalesce(sum(p.captured_minor) FILTER (WHERE p.kind = 'cash'), 0)
  INTO wallet_minor, outstanding_fee_minor, to_collect_minor, collected_minor
  FROM payments p WHERE p.booking_id = booking AND p.surplus_of IS NULL;
END $$;

-- An attempt's candidates come with it in one statement, some forty rows, and nobody else writes any: forty looks for one and
-- the same key proved nothing. They still go with it.
ALTER TABLE match_candidates DROP CONSTRAINT match_candidates_attempt_id_fkey;
CREATE FUNCTION match_candidates_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM match_candidates WHERE attempt_id IN (SELECT id FROM gone);
  RETURN NULL;
END $$;
CREATE TRIGGER match_candidates_go AFTER DELETE ON match_attempts REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION match_candidates_go();

-- The agenda repeats rows that keep these themselves, and only their triggers write it.
ALTER TABLE agenda DROP CONSTRAINT agenda_technician_id_fkey, DROP CONSTRAINT agenda_offer_id_fkey,
  DROP CONSTRAINT agenda_assignment_id_fkey;
