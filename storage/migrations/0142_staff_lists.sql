-- What few rows have is found without walking past all others: one zone's bookings, those with one state of their money, and of
-- a provider's requests those in one state.
CREATE INDEX bookings_zone_created ON bookings (zone_id, created_at DESC, id DESC) WHERE zone_id IS NOT NULL;
CREATE INDEX bookings_payment_status_created ON bookings (payment_status, created_at DESC, id DESC);
CREATE INDEX payment_requests_status ON payment_requests (provider_id, status, created_at DESC, id DESC);
