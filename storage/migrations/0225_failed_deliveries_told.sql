-- When the owner was last told of an event that could not be delivered at all, though the endpoint goes on.
ALTER TABLE webhook_endpoints ADD COLUMN told_failed_at timestamptz;
