-- Cards as tokens, and addresses that wait for their owner's word.

-- Never a number, never a security code: what the vault answers with, and what of a card may be shown.
CREATE TABLE payment_methods (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  party_id   uuid NOT NULL REFERENCES parties (id),
  brand      text NOT NULL,
  last4      text NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
  exp_month  int NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
  exp_year   int NOT NULL CHECK (exp_year BETWEEN 2000 AND 2100),
  holder     text NOT NULL,
  token      text NOT NULL,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  deleted_at timestamptz
);
CREATE INDEX payment_methods_party ON payment_methods (party_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (party_id) WHERE is_default AND deleted_at IS NULL;

-- A new e-mail address becomes an account's when somebody who reads it says so. Links live in real time.
CREATE TABLE email_changes (
  token_hash bytea PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id),
  email      text NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX email_changes_open ON email_changes (account_id) WHERE used_at IS NULL;
