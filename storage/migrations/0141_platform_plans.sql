-- What providers pay the platform for: plans, which one each has, and the bills for them. Without one they have none to pay.

CREATE TABLE platform_plans (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name          text NOT NULL CHECK (lower(name) <> 'free'),
  -- Nothing is converted: a plan is for the providers of one currency.
  currency      char(3) NOT NULL,
  monthly_minor bigint NOT NULL CHECK (monthly_minor BETWEEN 100 AND 1000000000),
  yearly_minor  bigint NOT NULL CHECK (yearly_minor BETWEEN 100 AND 1000000000),
  features      text[] NOT NULL DEFAULT '{}',
  is_active     boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  updated_at    timestamptz NOT NULL DEFAULT app_now()
);
CREATE UNIQUE INDEX platform_plans_name ON platform_plans (lower(name), currency);

CREATE TABLE platform_subscriptions (
  provider_id  uuid PRIMARY KEY REFERENCES providers (id),
  plan_id      uuid NOT NULL REFERENCES platform_plans (id),
  -- The local day of the next bill, and the day of the month that bills are made on.
  next_on      date NOT NULL,
  billing_day  int NOT NULL CHECK (billing_day BETWEEN 1 AND 31),
  -- What comes with the next bill: another plan, or the end.
  next_plan_id uuid REFERENCES platform_plans (id),
  is_ending    boolean NOT NULL DEFAULT false,
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  CHECK (NOT is_ending OR next_plan_id IS NULL)
);
CREATE INDEX platform_subscriptions_next ON platform_subscriptions (next_on);
CREATE INDEX platform_subscriptions_plan ON platform_subscriptions (plan_id);

CREATE TABLE platform_bills (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number          text NOT NULL UNIQUE,
  provider_id     uuid NOT NULL REFERENCES providers (id),
  plan_id         uuid NOT NULL REFERENCES platform_plans (id),
  plan_name       text NOT NULL,
  -- From the first of these days on and before the second.
  starts_on       date NOT NULL,
  ends_on         date NOT NULL CHECK (ends_on > starts_on),
  amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
  currency        char(3) NOT NULL,
  status          text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'void')),
  issued_on       date NOT NULL,
  due_on          date NOT NULL CHECK (due_on >= issued_on),
  paid_by         text CHECK (paid_by IN ('wallet', 'link')),
  paid_at         timestamptz,
  gateway_link_id text UNIQUE,
  url             text,
  -- The gateway has not said yet what became of its page.
  link_is_open    boolean NOT NULL DEFAULT false,
  -- What came at the page when nothing was to be paid any more: it is in the provider's wallet.
  surplus_minor   bigint NOT NULL DEFAULT 0 CHECK (surplus_minor IN (0, amount_minor)),
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((status = 'paid') = (paid_at IS NOT NULL) AND (status = 'paid') = (paid_by IS NOT NULL)),
  CHECK (NOT link_is_open OR gateway_link_id IS NOT NULL)
);
-- One is open at a time.
CREATE UNIQUE INDEX platform_bills_open ON platform_bills (provider_id) WHERE status = 'open';
CREATE INDEX platform_bills_newest ON platform_bills (provider_id, created_at DESC, id DESC);
CREATE INDEX platform_bills_plan ON platform_bills (plan_id);
CREATE INDEX platform_bills_links ON platform_bills (created_at) WHERE link_is_open;

DO $$
DECLARE
  given text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO given FROM pg_constraint
  WHERE conname = 'ledger_accounts_type_check' AND conrelid = 'ledger_accounts'::regclass;
  EXECUTE 'ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_type_check';
  EXECUTE 'ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_type_check '
    || replace(given, 'ARRAY[', 'ARRAY[''plan_revenue''::text, ');
END $$;
