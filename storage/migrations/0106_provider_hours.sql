-- A day's income by the hour is read off the lines themselves.
CREATE INDEX provider_transactions_settled ON provider_transactions (provider_id, settled_at) WHERE settled_at IS NOT NULL;
