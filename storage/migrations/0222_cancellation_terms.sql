-- What cancelling costs was accepted with the booking: staff who change it change it for whoever books from then on.
-- None are known of what was booked before, and by a node of before: that goes by those of the moment.
ALTER TABLE bookings
  ADD COLUMN free_cancellation_s  float8 CHECK (free_cancellation_s >= 0),
  ADD COLUMN cancellation_fee_pct float8 CHECK (cancellation_fee_pct BETWEEN 0 AND 100),
  ADD CONSTRAINT booking_cancellation_terms CHECK ((free_cancellation_s IS NULL) = (cancellation_fee_pct IS NULL));
