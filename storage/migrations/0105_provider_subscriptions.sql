-- Plans and subscriptions of a provider's customers, and what is sent to them.

CREATE TABLE provider_plans (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id   uuid NOT NULL REFERENCES providers (id),
  name          text NOT NULL,
  type          text NOT NULL DEFAULT 'standard',
  amount_minor  bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000),
  currency      char(3) NOT NULL,
  duration_days int NOT NULL CHECK (duration_days BETWEEN 1 AND 3660),
  features      text[] NOT NULL DEFAULT '{}',
  is_active     boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  updated_at    timestamptz NOT NULL DEFAULT app_now()
);
CREATE UNIQUE INDEX provider_plans_name ON provider_plans (provider_id, lower(name));

-- Days are local ones of the provider's clock; `ends_on` is the first day without it.
CREATE TABLE provider_subscriptions (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id  uuid NOT NULL REFERENCES providers (id),
  customer_id  uuid NOT NULL REFERENCES provider_customers (id),
  plan_id      uuid NOT NULL REFERENCES provider_plans (id),
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'expired', 'cancelled')),
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000),
  currency     char(3) NOT NULL,
  starts_at    timestamptz NOT NULL,
  ends_at      timestamptz NOT NULL,
  auto_renew   boolean NOT NULL DEFAULT false,
  notes        text,
  reference    text,
  -- For which end a reminder went out, and for which one a renewal was asked for: each once.
  reminded_for timestamptz,
  renewed_for  timestamptz,
  cancelled_at timestamptz,
  refund_minor bigint CHECK (refund_minor >= 0),
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  updated_at   timestamptz NOT NULL DEFAULT app_now(),
  CHECK (ends_at > starts_at),
  CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX provider_subscriptions_ends ON provider_subscriptions (provider_id, ends_at, id);
CREATE INDEX provider_subscriptions_customer ON provider_subscriptions (customer_id);
CREATE INDEX provider_subscriptions_due ON provider_subscriptions (ends_at) WHERE status = 'active';

-- One send to many, and what became of it.
CREATE TABLE provider_notifications (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id uuid NOT NULL REFERENCES providers (id),
  type        text NOT NULL CHECK (type IN ('general', 'reminder', 'promotion')),
  title       text NOT NULL,
  message     text NOT NULL,
  link        text,
  metadata    jsonb NOT NULL DEFAULT '{}',
  recipients  int NOT NULL CHECK (recipients >= 0),
  sent        int NOT NULL CHECK (sent >= 0),
  failed      int NOT NULL CHECK (failed >= 0),
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  CHECK (sent + failed = recipients)
);
CREATE INDEX provider_notifications_newest ON provider_notifications (provider_id, created_at DESC, id DESC);

CREATE INDEX provider_customers_words ON provider_customers USING gin (
  (array_to_tsvector(search_words(name) || search_words(email) || search_phone(phone))));
