-- Lists of everybody's bookings, payouts and promo codes, as staff read them: in the order that they ask for.
CREATE INDEX bookings_created ON bookings (created_at DESC, id DESC);
CREATE INDEX bookings_status_created ON bookings (status, created_at DESC, id DESC);
DROP INDEX bookings_starts;
CREATE INDEX bookings_starts ON bookings (starts_at, id);
CREATE INDEX bookings_technician_created ON bookings (technician_id, created_at DESC, id DESC) WHERE technician_id IS NOT NULL;
CREATE INDEX payouts_created ON payouts (created_at DESC, id DESC);
