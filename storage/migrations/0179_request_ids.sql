-- The request that something comes of, so that one id leads through the logs: from the call to its facts, messages, webhooks, work.

ALTER TABLE booking_events ADD COLUMN request_id text CHECK (length(request_id) <= 128);
ALTER TABLE outbox ADD COLUMN request_id text CHECK (length(request_id) <= 128);
ALTER TABLE tasks ADD COLUMN request_id text CHECK (length(request_id) <= 128);
