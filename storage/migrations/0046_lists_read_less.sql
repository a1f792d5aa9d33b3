-- What a customer's list is filtered by stands in the index that gives its order: a walk past what is not wanted reads no rows.
DROP INDEX bookings_account;
CREATE INDEX bookings_account ON bookings (account_id, created_at DESC, id DESC) INCLUDE (payment_status, payment_method);
DROP INDEX bookings_account_starts;
CREATE INDEX bookings_account_starts ON bookings (account_id, starts_at DESC, id DESC) INCLUDE (local_date);
