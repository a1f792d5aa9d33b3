-- Events that leave for the endpoints of others: of integrations, organisations and providers, and the operator's own
-- ("platform"). A delivery is one event for one endpoint; each try of it is kept beside it.

CREATE TABLE webhook_endpoints (
  id              uuid PRIMARY KEY,
  owner_kind      text NOT NULL CHECK (owner_kind IN ('integration', 'organisation', 'provider', 'platform')),
  owner_id        uuid REFERENCES parties (id),
  -- The owner as an index knows it, the platform too.
  owner_key       uuid NOT NULL GENERATED ALWAYS AS (coalesce(owner_id, '00000000-0000-0000-0000-000000000000')) STORED,
  url             text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
  events          text[] NOT NULL CHECK (cardinality(events) > 0),
  description     text,
  -- Sealed. After a rotation the one before signs too, until then.
  secret_enc      bytea NOT NULL,
  previous_enc    bytea,
  previous_until  timestamptz,
  is_active       boolean NOT NULL DEFAULT true,
  disabled_reason text CHECK (disabled_reason IN ('owner', 'gone', 'failing')),
  disabled_at     timestamptz,
  -- The first failed try since the last success.
  failing_since   timestamptz,
  last_success_at timestamptz,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  updated_at      timestamptz NOT NULL DEFAULT app_now(),
  deleted_at      timestamptz,
  CHECK ((owner_kind = 'platform') = (owner_id IS NULL)),
  CHECK ((previous_enc IS NULL) = (previous_until IS NULL)),
  CHECK (is_active = (disabled_reason IS NULL) AND is_active = (disabled_at IS NULL))
);
CREATE INDEX webhook_endpoints_owner ON webhook_endpoints (owner_key, created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE webhook_deliveries (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- Within a stream they leave in this order.
  no           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  endpoint_id  uuid NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
  owner_key    uuid NOT NULL,
  type         text NOT NULL,
  stream       text NOT NULL,
  -- A fact of a booking, or what was published with its data.
  booking_id   uuid,
  seq          bigint,
  data         jsonb,
  -- The same key once more is the same event.
  key          text,
  event_at     timestamptz NOT NULL DEFAULT app_now(),
  state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
  -- Tries since it was asked for, or asked for again; attempts in all.
  tries        int NOT NULL DEFAULT 0 CHECK (tries >= 0),
  attempts     int NOT NULL DEFAULT 0 CHECK (attempts >= tries),
  next_try_at  timestamptz NOT NULL DEFAULT app_now(),
  -- Real time: whoever sends it has it until then.
  leased_until timestamptz,
  last_status  int,
  error        text,
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  finished_at  timestamptz,
  FOREIGN KEY (booking_id, seq) REFERENCES booking_events (booking_id, seq),
  UNIQUE (endpoint_id, booking_id, seq),
  CHECK (num_nonnulls(booking_id, data) = 1 AND (booking_id IS NULL) = (seq IS NULL)),
  CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE UNIQUE INDEX webhook_deliveries_key ON webhook_deliveries (endpoint_id, key) WHERE key IS NOT NULL;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, no) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_stream ON webhook_deliveries (endpoint_id, stream, no) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_owner ON webhook_deliveries (owner_key, created_at DESC, no DESC);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, created_at DESC, no DESC);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX webhook_deliveries_booking ON webhook_deliveries (booking_id, seq) WHERE booking_id IS NOT NULL;

CREATE TABLE webhook_attempts (
  delivery_id uuid NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
  attempt     int NOT NULL CHECK (attempt > 0),
  at          timestamptz NOT NULL DEFAULT app_now(),
  status      int,
  error       text,
  duration_ms int NOT NULL,
  -- The beginning of what was answered.
  reply       text,
  PRIMARY KEY (delivery_id, attempt)
);
