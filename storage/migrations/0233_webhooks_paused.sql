-- Until when an endpoint that is asked too much wants to be left alone: all that waits for it waits until then, and loses no try.
ALTER TABLE webhook_endpoints ADD COLUMN paused_until timestamptz;
