-- Third-party apps: what they are, how far their onboarding is, whose customers they book for, and how much they ask.

CREATE TABLE integrations (
  id                 uuid PRIMARY KEY REFERENCES parties (id),
  slug               text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$' AND length(slug) <= 50),
  partner_type       text NOT NULL DEFAULT 'technology'
                       CHECK (partner_type IN ('technology', 'business', 'marketplace', 'enterprise')),
  status             text NOT NULL DEFAULT 'pending'
                       CHECK (status IN ('pending', 'active', 'suspended', 'inactive', 'rejected')),
  business_info      jsonb NOT NULL DEFAULT '{}',
  webhook_url        text,
  callback_url       text,
  tags               text[] NOT NULL DEFAULT '{}',
  -- When each step of the onboarding was done: {step: time}.
  steps              jsonb NOT NULL DEFAULT '{}',
  -- The token that the steps are sent with; it lives in real time and ends with the onboarding.
  onboarding_hash    bytea UNIQUE,
  onboarding_until   timestamptz,
  key_id             uuid REFERENCES api_clients (id),
  monthly_limit      int NOT NULL DEFAULT 10000 CHECK (monthly_limit >= 1),
  burst_limit        int NOT NULL DEFAULT 100 CHECK (burst_limit >= 1),
  -- Whether the house sends it a bill: its customers may then book on account, else in cash only.
  is_billed          boolean NOT NULL DEFAULT false,
  last_request_at    timestamptz,
  activated_at       timestamptz,
  deleted_by         text,
  CHECK ((onboarding_hash IS NULL) = (onboarding_until IS NULL)),
  CHECK (status NOT IN ('active', 'suspended', 'inactive') OR activated_at IS NOT NULL)
);
CREATE UNIQUE INDEX parties_integration_email ON parties (lower(email)) WHERE kind = 'integration' AND deleted_at IS NULL;
CREATE INDEX parties_integration_created ON parties (created_at DESC, id DESC) WHERE kind = 'integration' AND deleted_at IS NULL;

CREATE TABLE integration_documents (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  integration_id uuid NOT NULL REFERENCES integrations (id),
  type           text NOT NULL CHECK (type IN ('business_registration', 'tax_id', 'contract', 'other')),
  name           text NOT NULL,
  -- Either lies elsewhere, or the file itself is here.
  url            text,
  media_type     text,
  content        bytea,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  CHECK (num_nonnulls(url, content) = 1),
  CHECK ((content IS NULL) = (media_type IS NULL))
);
CREATE INDEX integration_documents_of ON integration_documents (integration_id, created_at, id);

CREATE TABLE integration_notes (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  integration_id uuid NOT NULL REFERENCES integrations (id),
  content        text NOT NULL CHECK (length(content) BETWEEN 1 AND 1000),
  added_by       uuid REFERENCES accounts (id),
  created_at     timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX integration_notes_of ON integration_notes (integration_id, created_at DESC, id DESC);

-- Somebody for whom an app books: an account of this app alone, without a phone of its own to sign in with, so that
-- what the phone's owner has here is none of the app's business. All that it booked is found by these accounts.
CREATE TABLE integration_customers (
  account_id     uuid PRIMARY KEY REFERENCES accounts (id),
  integration_id uuid NOT NULL REFERENCES integrations (id),
  phone          text NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  UNIQUE (integration_id, phone)
);
CREATE INDEX integration_customers_of ON integration_customers (integration_id, created_at DESC, account_id DESC);

-- Counted in memory and added here every few seconds.
CREATE TABLE integration_usage (
  integration_id uuid NOT NULL REFERENCES integrations (id),
  day            date NOT NULL,
  route          text NOT NULL,
  requests       bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
  refused        bigint NOT NULL DEFAULT 0 CHECK (refused >= 0),
  PRIMARY KEY (integration_id, day, route)
);

-- A second name of a key that is itself a secret: only its hash is kept.
ALTER TABLE api_clients ADD COLUMN key_hash bytea UNIQUE;
