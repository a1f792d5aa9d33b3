-- A message that left for a phone which is no longer the account's still belongs to the account: erasing it finds it.
ALTER TABLE outbox ADD COLUMN account_id uuid REFERENCES accounts (id);
CREATE INDEX outbox_account ON outbox (account_id) WHERE account_id IS NOT NULL;
-- Letters are found by whoever wrote them, also when they were signed in with another phone or not at all.
CREATE INDEX contact_submissions_age ON contact_submissions (created_at);
