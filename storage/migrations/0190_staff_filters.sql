-- What the back office filters all bookings by, the newest first: each index gives its rows in the list's order, so that a value
-- which few bookings have is found without walking past all the others. Most of them hold few bookings, and cost the others nothing.
-- organization_id: those of organisations alone.
CREATE INDEX bookings_organisation_created ON bookings (organisation_id, created_at DESC, id DESC) WHERE organisation_id IS NOT NULL;
-- rating: written once, when all else of a booking is over.
CREATE INDEX bookings_rating_created ON bookings (rating, created_at DESC, id DESC) WHERE rating IS NOT NULL;
-- is_queued: those that wait for people just now. They are the last in both orders, so that no walk from the front finds them.
CREATE INDEX bookings_queued_created ON bookings (created_at DESC, id DESC) WHERE queued_at IS NOT NULL;
CREATE INDEX bookings_queued_starts ON bookings (starts_at, id) WHERE queued_at IS NOT NULL;
-- system: those that did not come from the customers' own app. The list names this condition where another system is asked for.
CREATE INDEX bookings_system_created ON bookings (system, created_at DESC, id DESC) WHERE system <> 'customer';
-- currency: every booking is in it. It takes the place of bookings_made, whose order bookings_created gives as well.
CREATE INDEX bookings_currency_created ON bookings (currency, created_at DESC, id DESC);
DROP INDEX bookings_made;
-- payment_method is answered by bookings_account, which carries it; is_assigned by bookings_created, because many bookings are and
-- many are not; service_category and service_tier by the words beside the bookings (booking_words_words).
