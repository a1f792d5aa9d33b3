-- What is due of an endpoint is found without looking at what waits for its next try.
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (endpoint_id, next_try_at, no) WHERE state = 'pending';
DROP INDEX webhook_deliveries_due;
