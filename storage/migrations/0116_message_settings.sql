-- How each person is told: by which channels and in which language; the apps that take pushes; messages that are one by their key.

CREATE TABLE message_settings (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id    uuid UNIQUE REFERENCES accounts (id),
  technician_id uuid UNIQUE REFERENCES technicians (id),
  sms           boolean NOT NULL DEFAULT true,
  email         boolean NOT NULL DEFAULT true,
  push          boolean NOT NULL DEFAULT true,
  language      text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'hi', 'bn')),
  updated_at    timestamptz NOT NULL DEFAULT app_now(),
  CHECK (num_nonnulls(account_id, technician_id) = 1)
);

-- An app as the push service knows it. It belongs to a sign-in and is silent when that ends; the provider says when it is gone.
CREATE TABLE push_tokens (
  token         text PRIMARY KEY CHECK (length(token) BETWEEN 1 AND 1000),
  session_id    uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  account_id    uuid REFERENCES accounts (id),
  technician_id uuid REFERENCES technicians (id),
  platform      text NOT NULL CHECK (platform IN ('android', 'ios', 'web')),
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (num_nonnulls(account_id, technician_id) = 1)
);
CREATE INDEX push_tokens_session ON push_tokens (session_id);
CREATE INDEX push_tokens_account ON push_tokens (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX push_tokens_technician ON push_tokens (technician_id) WHERE technician_id IS NOT NULL;

-- The same key once more is the same message.
ALTER TABLE outbox ADD COLUMN key text UNIQUE;
