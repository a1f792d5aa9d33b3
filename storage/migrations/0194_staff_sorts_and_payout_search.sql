-- A day of all bookings is counted from the index alone.
DROP INDEX bookings_starts;
CREATE INDEX bookings_starts ON bookings (starts_at, id, created_at, local_date);
-- priority: without one every booking is read and sorted for a page of twenty.
CREATE INDEX bookings_priority ON bookings (priority, id, created_at);
-- Payouts are searched by their numbers and by the names and codes of whom they are for: the words of each were made anew
-- for every search.
CREATE INDEX payouts_words ON payouts USING gin (array_to_tsvector(search_words(number)));
CREATE INDEX parties_words ON parties USING gin (array_to_tsvector(search_words(left(name, 500)) || search_words(code)));
