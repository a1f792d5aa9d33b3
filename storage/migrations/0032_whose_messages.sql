-- Erasing and forgetting find everything that names a person.

-- A message that left for a phone which is no longer the account's still belongs to the account.
ALTER TABLE outbox ADD COLUMN account_id uuid REFERENCES accounts (id);
CREATE INDEX outbox_account ON outbox (account_id) WHERE account_id IS NOT NULL;

-- When name, door and words went, by the account's erasure or because their time was over.
ALTER TABLE bookings ADD COLUMN erased_at timestamptz;
CREATE INDEX bookings_personal ON bookings (ends_at)
  WHERE erased_at IS NULL AND status IN ('completed', 'cancelled', 'refunded');

CREATE INDEX contact_submissions_age ON contact_submissions (created_at);
CREATE INDEX contact_submissions_account ON contact_submissions (account_id) WHERE account_id IS NOT NULL;
