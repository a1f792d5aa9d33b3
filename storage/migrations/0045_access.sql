-- Signing in with a password, links that set one, and the credentials of machines.

-- A password that somebody else chose must be changed at the first sign-in.
ALTER TABLE accounts ADD COLUMN must_change_password boolean NOT NULL DEFAULT false;

-- A link that sets a password, once. Only the hash is kept. Links live in real time.
CREATE TABLE password_links (
  token_hash bytea PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX password_links_account ON password_links (account_id) WHERE used_at IS NULL;

-- A machine's credentials. `scopes` is {resource: read | write}; a key never has more than its maker has today.
CREATE TABLE api_clients (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  party_id       uuid NOT NULL REFERENCES parties (id),
  name           text NOT NULL,
  public_key     text NOT NULL UNIQUE,
  secret_hash    bytea NOT NULL,
  previous_hash  bytea,
  previous_until timestamptz,
  scopes         jsonb NOT NULL DEFAULT '{}',
  made_by        uuid REFERENCES memberships (id),
  ip_allow       cidr[] NOT NULL DEFAULT '{}',
  expires_at     timestamptz,
  revoked_at     timestamptz,
  last_used_at   timestamptz,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((previous_hash IS NULL) = (previous_until IS NULL))
);
CREATE INDEX api_clients_party ON api_clients (party_id) WHERE revoked_at IS NULL;
CREATE INDEX memberships_account ON memberships (account_id) WHERE status = 'active';
