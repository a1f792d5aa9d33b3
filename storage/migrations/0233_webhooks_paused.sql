-- Until when an endpoint that is asked too much wants to be left alone: all that waits for it waits until then, and loses no try.
ALTER TABLE webhook_endpoints ADD COLUMN paused_until timestamptz;

-- Tests go also to an endpoint that is off or paused: they are found without looking through all that waits for it.
CREATE INDEX webhook_deliveries_pings ON webhook_deliveries (endpoint_id, no) WHERE state = 'pending' AND type = 'ping';
