-- What failed for a moment is tried again by itself for a day, with its old key; a person looks at what was refused or is a
-- day old. So neither tries nor retries have a last number any more: they have a last moment, in real time.

ALTER TABLE payment_intents DROP CONSTRAINT payment_intents_attempts_check,
  ADD CONSTRAINT payment_intents_attempts_check CHECK (attempts >= 0),
  ADD COLUMN give_up_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '1 day';

ALTER TABLE gateway_events DROP CONSTRAINT gateway_events_retry_count_check,
  ADD CONSTRAINT gateway_events_retry_count_check CHECK (retry_count >= 0),
  ADD COLUMN give_up_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '1 day';
