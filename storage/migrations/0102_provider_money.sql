-- How a provider's money comes in and goes out: requests, links, what was taken outside, payouts that people look at.

ALTER TABLE bank_accounts ADD COLUMN IF NOT EXISTS bank_code text, ADD COLUMN IF NOT EXISTS routing_no text,
  ADD COLUMN IF NOT EXISTS swift text;

ALTER TABLE payouts
  -- Asked for by hand; one that is large waits for staff before it leaves.
  ADD COLUMN is_request   boolean NOT NULL DEFAULT false,
  ADD COLUMN needs_review boolean NOT NULL DEFAULT false,
  ADD COLUMN reviewed_by  text,
  ADD COLUMN reviewed_at  timestamptz,
  ADD CHECK (NOT needs_review OR status = 'pending'),
  ADD CHECK ((reviewed_by IS NULL) = (reviewed_at IS NULL));
-- The second click on the same amount finds the first one's payout.
CREATE UNIQUE INDEX payouts_one_open_request ON payouts (party_id, currency, net_minor)
  WHERE is_request AND status IN ('pending', 'processing');
CREATE INDEX payouts_requests ON payouts (created_at DESC, id DESC) WHERE is_request;

-- An address that anybody may pay at, as often as they like.
CREATE TABLE payment_links (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id  uuid NOT NULL REFERENCES providers (id),
  code         text NOT NULL UNIQUE,
  title        text NOT NULL,
  description  text,
  -- Without one whoever pays says how much.
  amount_minor bigint CHECK (amount_minor BETWEEN 1 AND 1000000000),
  currency     char(3) NOT NULL,
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
  redirect_url text,
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  updated_at   timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX payment_links_newest ON payment_links (provider_id, created_at DESC, id DESC);

-- One amount that one customer is asked for, once.
CREATE TABLE payment_requests (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id    uuid NOT NULL REFERENCES providers (id),
  customer_id    uuid NOT NULL REFERENCES provider_customers (id),
  transaction_id uuid NOT NULL UNIQUE REFERENCES provider_transactions (id),
  -- What the gateway is asked for; nothing where it is paid in cash.
  payment_id     uuid UNIQUE REFERENCES payments (id),
  link_id        uuid REFERENCES payment_links (id),
  purpose        text NOT NULL DEFAULT 'request' CHECK (purpose IN ('request', 'link', 'subscription')),
  purpose_id     uuid,
  method         text NOT NULL CHECK (method IN ('wallet', 'credit_card', 'bank_transfer', 'paypal', 'cash', 'link')),
  status         text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'cancelled')),
  amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000),
  currency       char(3) NOT NULL,
  reference      text NOT NULL UNIQUE,
  code           text NOT NULL UNIQUE,
  description    text,
  due_at         timestamptz,
  metadata       jsonb NOT NULL DEFAULT '{}',
  redirect_url   text,
  gateway_link_id text UNIQUE,
  url            text,
  paid_at        timestamptz,
  cancelled_at   timestamptz,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  updated_at     timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
  CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX payment_requests_newest ON payment_requests (provider_id, created_at DESC, id DESC);
CREATE INDEX payment_requests_purpose ON payment_requests (purpose_id) WHERE purpose_id IS NOT NULL;

-- Money that the provider took itself.
CREATE TABLE manual_transactions (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id    uuid NOT NULL REFERENCES providers (id),
  transaction_id uuid NOT NULL UNIQUE REFERENCES provider_transactions (id),
  status         text NOT NULL DEFAULT 'recorded' CHECK (status IN ('recorded', 'reconciled', 'voided')),
  method         text NOT NULL CHECK (method IN ('cash', 'bank_transfer', 'pos')),
  received_on    date NOT NULL,
  note           text,
  reconciled_at  timestamptz,
  voided_at      timestamptz,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  updated_at     timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((status = 'reconciled') = (reconciled_at IS NOT NULL)),
  CHECK ((status = 'voided') = (voided_at IS NOT NULL))
);
CREATE INDEX manual_transactions_newest ON manual_transactions (provider_id, created_at DESC, id DESC);
