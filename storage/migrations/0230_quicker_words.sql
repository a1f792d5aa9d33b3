-- The words by which a booking is found cost a third of what it takes to write it. Nothing else is found by them now.

-- A function in SQL with a FROM of its own is run as a statement of its own by whoever calls it.
CREATE OR REPLACE FUNCTION search_phone(given text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  digits text := regexp_replace(coalesce(given, ''), '[^0-9]', '', 'g');
BEGIN
  RETURN CASE WHEN digits = '' THEN '{}'::text[] ELSE ARRAY['>' || digits, '<' || reverse(digits)] END;
END $$;

CREATE OR REPLACE FUNCTION booking_words_of(b bookings) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  said text := concat_ws(' ', b.number, array_to_string(b.categories, ' '), array_to_string(b.tiers, ' '),
    b.contact ->> 'name', b.address ->> 'city', b.address ->> 'pincode');
  words text[] := search_words(said) || search_phone(b.contact ->> 'phone');
BEGIN
  -- Only a word of hundred letters has to be cut, and hardly any booking has one. Which words are said twice is no matter here.
  IF length(said) > 100 AND said ~ '\S{101}' OR length(b.contact ->> 'phone') > 99 THEN
    words := ARRAY(SELECT left(word, 100) FROM unnest(words) AS word);
  END IF;
  RETURN array_to_tsvector(words);
END $$;

CREATE OR REPLACE FUNCTION booking_words_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO booking_words (booking_id, words) VALUES (NEW.id, booking_words_of(NEW));
  ELSE
    UPDATE booking_words SET words = booking_words_of(NEW) WHERE booking_id = NEW.id;
  END IF;
  RETURN NULL;
END $$;
