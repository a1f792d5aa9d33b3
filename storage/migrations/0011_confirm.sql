-- A confirm: its number without a lock, what it was, and what of it need not be looked at.

-- Booking numbers (BK-YYYYMMDD-NNNNNN) are counted on by a sequence: a counter's row would make all checkouts of a day
-- wait for one another. A gap is harmless.
CREATE SEQUENCE booking_numbers;
SELECT setval('booking_numbers', max(last_value)) FROM document_sequences WHERE code = 'BK' HAVING max(last_value) > 0;

-- What was confirmed, as a hash: a repetition gets the same answer, whatever has become of the booking since.
ALTER TABLE bookings ADD COLUMN confirmed_as bytea;

CREATE INDEX checkout_previews_account ON checkout_previews (account_id);

-- The log of who was considered names technicians who stay; a look-up and a lock of each of them for every search is dear.
ALTER TABLE match_candidates DROP CONSTRAINT match_candidates_technician_id_fkey;
