-- Providers: a business with a team, customers, a wallet and what came in and went out of it.

-- ---------------------------------------------------------------- the provider and its team

CREATE TABLE providers (
  id            uuid PRIMARY KEY REFERENCES parties (id),
  facility_type text NOT NULL DEFAULT 'Facility' CHECK (facility_type IN ('Facility', 'Clinic', 'Hospital')),
  description   text NOT NULL DEFAULT '',
  services      text[] NOT NULL DEFAULT '{}',
  -- How amounts are written to and by this provider; rows store minor units whatever it says.
  money_units   text NOT NULL DEFAULT 'minor' CHECK (money_units IN ('minor', 'major')),
  language      text NOT NULL DEFAULT 'en-US',
  date_format   text NOT NULL DEFAULT 'MM/DD/YYYY' CHECK (date_format IN ('MM/DD/YYYY', 'DD/MM/YYYY')),
  time_format   text NOT NULL DEFAULT '12h' CHECK (time_format IN ('12h', '24h')),
  payout_frequency text NOT NULL DEFAULT 'weekly' CHECK (payout_frequency IN ('daily', 'weekly', 'bi-weekly', 'monthly')),
  -- A weekday in lower case, or a day of the month.
  payout_day       text CHECK (payout_day ~ '^(monday|tuesday|wednesday|thursday|friday|saturday|sunday|[1-9]|1[0-9]|2[0-8])$'),
  store_currency   char(3) NOT NULL,
  min_payout_minor bigint NOT NULL DEFAULT 0 CHECK (min_payout_minor >= 0),
  manual_payouts   boolean NOT NULL DEFAULT true,
  -- The local day of the last automatic payout: each day pays once, however many nodes hear the clock strike.
  paid_out_on      date,
  -- Bi-weekly payouts count from here.
  payouts_from     date NOT NULL DEFAULT app_now()::date,
  billing_email    text,
  billing_period   text NOT NULL DEFAULT 'monthly' CHECK (billing_period IN ('monthly', 'yearly')),
  updated_at       timestamptz NOT NULL DEFAULT app_now()
);

ALTER TABLE memberships
  ADD COLUMN IF NOT EXISTS invited_at timestamptz,
  ADD COLUMN IF NOT EXISTS joined_at  timestamptz,
  ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT app_now();
-- A provider has one owner, who stays.
CREATE UNIQUE INDEX memberships_one_owner ON memberships (party_id)
  WHERE realm = 'provider' AND role = 'Owner' AND status <> 'removed';
CREATE INDEX IF NOT EXISTS memberships_party ON memberships (party_id) WHERE party_id IS NOT NULL;

CREATE TABLE provider_applications (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
  name        text NOT NULL,
  facility_type text NOT NULL,
  owner_name  text NOT NULL,
  email       text NOT NULL,
  phone       text NOT NULL,
  address     jsonb NOT NULL DEFAULT '{}',
  services    text[] NOT NULL DEFAULT '{}',
  description text NOT NULL DEFAULT '',
  currency    char(3) NOT NULL,
  timezone    text NOT NULL,
  reason      text,
  provider_id uuid REFERENCES providers (id),
  decided_at  timestamptz,
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  deleted_at  timestamptz,
  CHECK ((status = 'pending') = (decided_at IS NULL)),
  CHECK ((status = 'approved') = (provider_id IS NOT NULL))
);
-- One open application of an address: whoever sends the form twice is told of the first.
CREATE UNIQUE INDEX provider_applications_open ON provider_applications (lower(email))
  WHERE status = 'pending' AND deleted_at IS NULL;
CREATE INDEX provider_applications_newest ON provider_applications (created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- ---------------------------------------------------------------- customers

-- Whoever pays has an account, also one that nobody has signed in to yet.
CREATE TABLE provider_customers (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id  uuid NOT NULL REFERENCES providers (id),
  account_id   uuid NOT NULL REFERENCES accounts (id),
  name         text,
  email        text,
  phone        text,
  location     text,
  source       text NOT NULL CHECK (source IN ('booking', 'payment', 'subscription', 'manual')),
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
  metadata     jsonb NOT NULL DEFAULT '{}',
  -- Of settled credits in the provider's own currency, kept by the trigger below.
  spent_minor  bigint NOT NULL DEFAULT 0,
  transactions int NOT NULL DEFAULT 0,
  last_at      timestamptz,
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  updated_at   timestamptz NOT NULL DEFAULT app_now(),
  UNIQUE (provider_id, account_id)
);
CREATE UNIQUE INDEX provider_customers_email ON provider_customers (provider_id, lower(email)) WHERE source = 'manual';
CREATE INDEX provider_customers_name ON provider_customers (provider_id, (coalesce(name, '')), id);
CREATE INDEX provider_customers_spent ON provider_customers (provider_id, spent_minor, id);
CREATE INDEX provider_customers_count ON provider_customers (provider_id, transactions, id);

-- ---------------------------------------------------------------- the statement of the wallet

-- One row for each thing that came in or went out, or is about to: what the provider sees of the ledger, with the words
-- that go with it. Written in the transaction of its postings.
CREATE TABLE provider_transactions (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id  uuid NOT NULL REFERENCES providers (id),
  type         text NOT NULL CHECK (type IN ('credit', 'debit')),
  category     text NOT NULL CHECK (category IN (
                 'provider_payment', 'payment_received', 'subscription', 'cash_collected', 'manual', 'payout', 'refund', 'wallet')),
  status       text NOT NULL CHECK (status IN ('pending', 'settled', 'failed', 'cancelled', 'refunded')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency     char(3) NOT NULL,
  reference    text NOT NULL,
  customer_id  uuid REFERENCES provider_customers (id),
  payer_name   text,
  payer_email  text,
  payer_phone  text,
  method       text NOT NULL,
  description  text,
  service      text,
  booking_id   uuid REFERENCES bookings (id),
  payout_id    uuid REFERENCES payouts (id),
  related_to   uuid REFERENCES provider_transactions (id),
  metadata     jsonb NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  updated_at   timestamptz NOT NULL DEFAULT app_now(),
  settled_at   timestamptz,
  UNIQUE (provider_id, reference),
  CHECK ((status IN ('settled', 'refunded')) = (settled_at IS NOT NULL))
);
CREATE INDEX provider_transactions_newest ON provider_transactions (provider_id, created_at DESC, id DESC);
CREATE INDEX provider_transactions_status ON provider_transactions (provider_id, status, created_at DESC, id DESC);
CREATE INDEX provider_transactions_amount ON provider_transactions (provider_id, amount_minor, id);
CREATE INDEX provider_transactions_payer ON provider_transactions (provider_id, (coalesce(payer_name, '')), id);
CREATE INDEX provider_transactions_by_status ON provider_transactions (provider_id, status, id);
CREATE INDEX provider_transactions_customer ON provider_transactions (customer_id, created_at DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX provider_transactions_related ON provider_transactions (related_to) WHERE related_to IS NOT NULL;
CREATE UNIQUE INDEX provider_transactions_payout ON provider_transactions (payout_id, category) WHERE payout_id IS NOT NULL;
CREATE INDEX provider_transactions_words ON provider_transactions USING gin (
  (array_to_tsvector(search_words(payer_name) || search_words(payer_email) || search_words(reference))));

CREATE FUNCTION provider_customer_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was bigint := 0;
  now_is bigint := 0;
BEGIN
  IF NEW.customer_id IS NULL THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' AND OLD.type = 'credit' AND OLD.status = 'settled' THEN was := OLD.amount_minor; END IF;
  IF NEW.type = 'credit' AND NEW.status = 'settled' THEN now_is := NEW.amount_minor; END IF;
  UPDATE provider_customers c SET
    spent_minor = c.spent_minor + CASE WHEN p.currency = NEW.currency THEN now_is - was ELSE 0 END,
    transactions = c.transactions + CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE 0 END,
    last_at = greatest(c.last_at, NEW.created_at)
  FROM parties p WHERE c.id = NEW.customer_id AND p.id = c.provider_id;
  RETURN NULL;
END $$;
CREATE TRIGGER provider_customer_totals AFTER INSERT OR UPDATE OF status ON provider_transactions
  FOR EACH ROW EXECUTE FUNCTION provider_customer_totals();

-- ---------------------------------------------------------------- money that is not with the platform

-- What a provider took itself stands in the ledger too, in accounts of its own that no payout draws on.
DO $$
DECLARE
  given text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO given FROM pg_constraint
  WHERE conname = 'ledger_accounts_type_check' AND conrelid = 'ledger_accounts'::regclass;
  EXECUTE 'ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_type_check';
  EXECUTE 'ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_type_check '
    || replace(given, 'ARRAY[', 'ARRAY[''outside_cash''::text, ''outside_income''::text, ');
END $$;
DO $$
DECLARE
  given text;
  name text;
BEGIN
  SELECT conname, pg_get_constraintdef(oid) INTO name, given FROM pg_constraint
  WHERE conrelid = 'ledger_accounts'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%<> ALL%';
  EXECUTE format('ALTER TABLE ledger_accounts DROP CONSTRAINT %I', name);
  EXECUTE format('ALTER TABLE ledger_accounts ADD CONSTRAINT %I %s', name,
    replace(given, 'ARRAY[', 'ARRAY[''outside_cash''::text, ''outside_income''::text, '));
  SELECT pg_get_constraintdef(oid) INTO given FROM pg_constraint
  WHERE conname = 'ledger_balance_sign' AND conrelid = 'ledger_accounts'::regclass;
  EXECUTE 'ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_balance_sign';
  EXECUTE 'ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_balance_sign ' || regexp_replace(given, 'CASE',
    'CASE WHEN (type = ''outside_income''::text) THEN (balance_minor >= 0) WHEN (type = ''outside_cash''::text) THEN (balance_minor <= 0)');
END $$;
