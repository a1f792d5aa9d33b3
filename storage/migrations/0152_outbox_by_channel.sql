-- Each channel is swept on its own: what is due of one is found without looking at the others.
CREATE INDEX outbox_due_by_channel ON outbox (channel, next_try_at, id) WHERE state = 'pending';
DROP INDEX outbox_due;
