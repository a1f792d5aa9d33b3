-- Everything that dispatch needs before money: time, people, catalogue, bookings, offers, slots, facts, messages.
-- No extension is used. Money is bigint minor units beside a currency. Every status is a CHECK.

-- ---------------------------------------------------------------- time, settings, numbers

CREATE TABLE app_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  real_at  timestamptz NOT NULL,
  app_at   timestamptz NOT NULL,
  speed    double precision NOT NULL CHECK (speed >= 0)
);
INSERT INTO app_clock (real_at, app_at, speed) VALUES (clock_timestamp(), clock_timestamp(), 1);
UPDATE app_clock SET app_at = real_at;

-- STABLE so that a deadline index is used; one statement sees one time, which is what its conditions want.
CREATE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT app_at + (clock_timestamp() - real_at) * speed FROM app_clock $$;

-- The epoch names this database's history: a client that resumes with another epoch gets a reset.
CREATE TABLE installation (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch      uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE settings (
  key        text PRIMARY KEY,
  value      jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE document_sequences (
  code       text NOT NULL,
  period     text NOT NULL,
  last_value bigint NOT NULL CHECK (last_value > 0),
  PRIMARY KEY (code, period)
);

-- ---------------------------------------------------------------- identity

CREATE TABLE accounts (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  phone          text UNIQUE,
  email          text,
  password_hash  text,
  name           text,
  avatar_url     text,
  is_verified    boolean NOT NULL DEFAULT false,
  is_active      boolean NOT NULL DEFAULT true,
  blocked_reason text,
  prefs          jsonb NOT NULL DEFAULT '{}',
  last_login_at  timestamptz,
  erased_at      timestamptz,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  updated_at     timestamptz NOT NULL DEFAULT app_now()
);
-- Only those who sign in with a password need a unique address.
CREATE UNIQUE INDEX accounts_login_email ON accounts (lower(email)) WHERE password_hash IS NOT NULL;

CREATE TABLE parties (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind       text NOT NULL CHECK (kind IN ('technician', 'organisation', 'provider', 'trade_partner', 'integration')),
  code       text NOT NULL,
  name       text NOT NULL,
  legal_name text,
  email      text,
  phone      text,
  address    jsonb,
  timezone   text,
  currency   char(3),
  event_seq  bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now(),
  deleted_at timestamptz,
  UNIQUE (kind, code)
);
CREATE UNIQUE INDEX parties_technician_phone ON parties (phone) WHERE kind = 'technician' AND deleted_at IS NULL;

CREATE TABLE memberships (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id  uuid NOT NULL REFERENCES accounts (id),
  realm       text NOT NULL CHECK (realm IN ('admin', 'organisation', 'provider', 'erp', 'integration')),
  party_id    uuid REFERENCES parties (id),
  role        text NOT NULL,
  permissions jsonb NOT NULL DEFAULT '{}',
  status      text NOT NULL DEFAULT 'active' CHECK (status IN ('pending', 'active', 'inactive', 'suspended', 'removed')),
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  UNIQUE NULLS NOT DISTINCT (account_id, realm, party_id)
);

-- One row is one sign-in: a refresh-token family. Only hashes are kept. Tokens live in real time.
CREATE TABLE sessions (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  realm          text NOT NULL CHECK (realm IN ('customer', 'technician', 'admin', 'organisation', 'provider', 'erp', 'integration')),
  subject_id     uuid NOT NULL,
  refresh_hash   bytea NOT NULL UNIQUE,
  previous_hash  bytea,
  rotated_at     timestamptz,
  expires_at     timestamptz NOT NULL,
  revoked_at     timestamptz,
  revoked_reason text,
  ip             text,
  user_agent     text,
  created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sessions_subject ON sessions (realm, subject_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_previous ON sessions (previous_hash) WHERE previous_hash IS NOT NULL;

CREATE TABLE otp_challenges (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  phone      text NOT NULL,
  purpose    text NOT NULL CHECK (purpose IN ('login', 'reset_password', 'step_up')),
  code_hash  bytea NOT NULL,
  salt       bytea NOT NULL,
  attempts   int NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 5),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  ip         text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A new code replaces the old one: at most one is live for a phone and a purpose.
CREATE UNIQUE INDEX otp_live ON otp_challenges (phone, purpose) WHERE used_at IS NULL;

CREATE TABLE quotas (
  key  text PRIMARY KEY,
  hits timestamptz[] NOT NULL
);

CREATE TABLE idempotency_keys (
  principal    text NOT NULL,
  route        text NOT NULL,
  key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  body_hash    bytea NOT NULL,
  state        text NOT NULL DEFAULT 'claimed' CHECK (state IN ('claimed', 'done')),
  status       int,
  response     bytea,
  headers      jsonb,
  locked_until timestamptz NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (principal, route, key),
  CHECK (state = 'claimed' OR (status IS NOT NULL AND response IS NOT NULL))
);
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

-- A socket command takes effect once; its answer is kept for the repetition.
CREATE TABLE commands (
  principal  text NOT NULL,
  command_id text NOT NULL CHECK (length(command_id) BETWEEN 1 AND 64),
  name       text NOT NULL,
  body_hash  bytea NOT NULL,
  answer     jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (principal, command_id)
);
CREATE INDEX commands_age ON commands (created_at);

CREATE TABLE audit_log (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  realm         text NOT NULL,
  actor_id      text,
  action        text NOT NULL,
  resource_type text NOT NULL,
  resource_id   text,
  changes       jsonb,
  ip            text,
  user_agent    text,
  at            timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX audit_resource ON audit_log (resource_type, resource_id);

-- ---------------------------------------------------------------- places

CREATE TABLE zones (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code       text NOT NULL UNIQUE,
  name       text NOT NULL,
  city       text,
  state      text,
  boundary   jsonb NOT NULL,
  centre_lat double precision NOT NULL CHECK (centre_lat BETWEEN -90 AND 90),
  centre_lng double precision NOT NULL CHECK (centre_lng BETWEEN -180 AND 180),
  timezone   text NOT NULL,
  currency   char(3) NOT NULL,
  opens      time NOT NULL DEFAULT '08:00',
  closes     time NOT NULL DEFAULT '20:00' CHECK (closes > opens),
  days       int[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}' CHECK (days <@ '{1,2,3,4,5,6,7}'),
  is_active  boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT app_now(),
  updated_at timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE zone_pincodes (
  pincode text PRIMARY KEY,
  zone_id uuid NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
  lat     double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
  lng     double precision NOT NULL CHECK (lng BETWEEN -180 AND 180)
);

CREATE TABLE addresses (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id  uuid REFERENCES accounts (id),
  party_id    uuid REFERENCES parties (id),
  label       text NOT NULL,
  line1       text NOT NULL,
  line2       text,
  city        text NOT NULL,
  state       text NOT NULL,
  postal_code text NOT NULL,
  country     char(2) NOT NULL DEFAULT 'IN',
  lat         double precision CHECK (lat BETWEEN -90 AND 90),
  lng         double precision CHECK (lng BETWEEN -180 AND 180),
  is_approximate boolean NOT NULL DEFAULT false,
  place_id    text,
  is_default  boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  updated_at  timestamptz NOT NULL DEFAULT app_now(),
  deleted_at  timestamptz,
  CHECK ((lat IS NULL) = (lng IS NULL)),
  CHECK (num_nonnulls(account_id, party_id) = 1)
);
CREATE INDEX addresses_account ON addresses (account_id) WHERE deleted_at IS NULL;
-- Exactly one default for an account that has addresses; the service keeps "at least", this keeps "at most".
CREATE UNIQUE INDEX addresses_default ON addresses (account_id) WHERE is_default AND deleted_at IS NULL;

-- ---------------------------------------------------------------- catalogue and promos

CREATE TABLE services (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name             text NOT NULL,
  description      text,
  category         text NOT NULL,
  service_type     text NOT NULL,
  tier             text NOT NULL,
  duration_minutes int NOT NULL DEFAULT 60 CHECK (duration_minutes BETWEEN 5 AND 720),
  image_url        text,
  is_active        boolean NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT app_now(),
  updated_at       timestamptz NOT NULL DEFAULT app_now(),
  deleted_at       timestamptz
);
CREATE INDEX services_category ON services (category, tier) WHERE is_active AND deleted_at IS NULL;

-- list_price is the contract's market_price, price its product_cost: savings are the difference.
CREATE TABLE service_prices (
  service_id       uuid NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  currency         char(3) NOT NULL,
  price_minor      bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000),
  list_price_minor bigint CHECK (list_price_minor BETWEEN price_minor AND 1000000000),
  PRIMARY KEY (service_id, currency)
);

CREATE TABLE promo_codes (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code               text NOT NULL UNIQUE CHECK (code = upper(code)),
  description        text,
  discount_type      text NOT NULL CHECK (discount_type IN ('percentage', 'fixed')),
  discount_percent   numeric(5, 2) CHECK (discount_percent > 0 AND discount_percent <= 100),
  discount_minor     bigint CHECK (discount_minor > 0),
  currency           char(3) NOT NULL,
  min_order_minor    bigint CHECK (min_order_minor >= 0),
  max_discount_minor bigint CHECK (max_discount_minor > 0),
  per_user_limit     int CHECK (per_user_limit > 0),
  total_limit        int CHECK (total_limit > 0),
  used_count         int NOT NULL DEFAULT 0 CHECK (used_count >= 0),
  valid_from         timestamptz,
  valid_until        timestamptz,
  is_active          boolean NOT NULL DEFAULT true,
  created_at         timestamptz NOT NULL DEFAULT app_now(),
  updated_at         timestamptz NOT NULL DEFAULT app_now(),
  CHECK (total_limit IS NULL OR used_count <= total_limit),
  CHECK ((discount_type = 'percentage') = (discount_percent IS NOT NULL)),
  CHECK ((discount_type = 'fixed') = (discount_minor IS NOT NULL))
);

-- ---------------------------------------------------------------- technicians

CREATE TABLE technicians (
  id                 uuid PRIMARY KEY REFERENCES parties (id),
  no                 bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  provider_id        uuid REFERENCES parties (id),
  categories         text[] NOT NULL CHECK (cardinality(categories) > 0),
  tiers              text[] NOT NULL CHECK (cardinality(tiers) > 0),
  working_hours      jsonb NOT NULL DEFAULT '{"start": "08:00", "end": "20:00", "days": [1, 2, 3, 4, 5, 6, 7]}',
  service_radius_m   int NOT NULL DEFAULT 10000 CHECK (service_radius_m BETWEEN 100 AND 200000),
  base_lat           double precision CHECK (base_lat BETWEEN -90 AND 90),
  base_lng           double precision CHECK (base_lng BETWEEN -180 AND 180),
  zone_id            uuid REFERENCES zones (id),
  is_active          boolean NOT NULL DEFAULT true,
  is_available       boolean NOT NULL DEFAULT true,
  onboarding_status  text NOT NULL DEFAULT 'pending' CHECK (onboarding_status IN ('pending', 'verified', 'rejected')),
  rating_sum         bigint NOT NULL DEFAULT 0,
  rating_count       int NOT NULL DEFAULT 0,
  rating             numeric(3, 2) GENERATED ALWAYS AS
                       (CASE WHEN rating_count > 0 THEN round(rating_sum::numeric / rating_count, 2) END) STORED,
  total_bookings     int NOT NULL DEFAULT 0,
  completed_bookings int NOT NULL DEFAULT 0,
  cancelled_bookings int NOT NULL DEFAULT 0,
  idle_since         timestamptz NOT NULL DEFAULT app_now(),
  last_seen_at       timestamptz,
  aadhaar_last4      text,
  aadhaar_hash       bytea UNIQUE,
  pan_enc            bytea,
  verification_documents jsonb NOT NULL DEFAULT '{}',
  changed_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((base_lat IS NULL) = (base_lng IS NULL))
);
CREATE INDEX technicians_changed ON technicians (changed_at);

-- Every node keeps the roster in memory and polls for what changed; real time, so that a shifted clock hides nothing.
CREATE FUNCTION technicians_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER technicians_touch BEFORE UPDATE ON technicians FOR EACH ROW EXECUTE FUNCTION technicians_touch();

-- Written in batches off the ping's path; a narrow row keeps the churn cheap.
CREATE TABLE technician_positions (
  technician_id uuid PRIMARY KEY REFERENCES technicians (id),
  lat           double precision NOT NULL,
  lng           double precision NOT NULL,
  accuracy_m    real,
  fix_at        timestamptz NOT NULL,
  is_dispatchable boolean NOT NULL DEFAULT true,
  saved_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 60);

CREATE TABLE position_history (
  technician_no bigint NOT NULL,
  at            timestamptz NOT NULL,
  lat           double precision NOT NULL,
  lng           double precision NOT NULL,
  accuracy_m    real,
  speed_mps     real,
  heading_deg   real
) PARTITION BY RANGE (at);
CREATE INDEX position_history_at ON position_history (technician_no, at);

CREATE TABLE bank_accounts (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  party_id     uuid NOT NULL REFERENCES parties (id),
  bank_name    text,
  account_name text,
  number_enc   bytea NOT NULL,
  last4        text NOT NULL,
  ifsc         text,
  is_default   boolean NOT NULL DEFAULT true,
  created_at   timestamptz NOT NULL DEFAULT app_now(),
  updated_at   timestamptz NOT NULL DEFAULT app_now()
);
CREATE UNIQUE INDEX bank_accounts_default ON bank_accounts (party_id) WHERE is_default;

-- A customer and a technician who are not to meet again.
CREATE TABLE technician_blocks (
  account_id    uuid NOT NULL REFERENCES accounts (id),
  technician_id uuid NOT NULL REFERENCES technicians (id),
  reason        text,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (account_id, technician_id)
);

-- ---------------------------------------------------------------- checkout and bookings

CREATE TABLE checkout_previews (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id     uuid NOT NULL REFERENCES accounts (id),
  items          jsonb NOT NULL,
  zone_id        uuid REFERENCES zones (id),
  address_id     uuid REFERENCES addresses (id),
  booking_date   date,
  starts_at      timestamptz,
  duration_minutes int NOT NULL,
  currency       char(3) NOT NULL,
  timezone       text NOT NULL,
  subtotal_minor bigint NOT NULL,
  savings_minor  bigint NOT NULL,
  discount_minor bigint NOT NULL,
  tax_minor      bigint NOT NULL,
  grand_total_minor bigint NOT NULL,
  promo_code_id  uuid REFERENCES promo_codes (id),
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  expires_at     timestamptz NOT NULL
);
CREATE INDEX checkout_previews_age ON checkout_previews (expires_at);

CREATE TABLE bookings (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number            text NOT NULL UNIQUE,
  system            text NOT NULL DEFAULT 'customer',
  account_id        uuid NOT NULL REFERENCES accounts (id),
  organisation_id   uuid REFERENCES parties (id),
  -- The natural key of a confirm: one preview makes one booking (previews are swept, so no foreign key).
  preview_id        uuid UNIQUE,
  address_id        uuid REFERENCES addresses (id),
  address           jsonb NOT NULL,
  contact           jsonb NOT NULL DEFAULT '{}',
  zone_id           uuid REFERENCES zones (id),
  lat               double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
  lng               double precision NOT NULL CHECK (lng BETWEEN -180 AND 180),
  is_approximate    boolean NOT NULL DEFAULT false,
  timezone          text NOT NULL,
  local_date        date NOT NULL,
  local_time        time NOT NULL,
  starts_at         timestamptz NOT NULL,
  ends_at           timestamptz NOT NULL CHECK (ends_at > starts_at),
  categories        text[] NOT NULL,
  tiers             text[] NOT NULL,
  status            text NOT NULL DEFAULT 'pending' CHECK (status IN
                      ('pending', 'partner_assigned', 'confirmed', 'in_progress', 'completed', 'cancelled', 'refunded')),
  payment_method    text NOT NULL CHECK (payment_method IN ('cash', 'online', 'account')),
  payment_status    text NOT NULL DEFAULT 'pending' CHECK (payment_status IN
                      ('pending', 'paid', 'failed', 'refunded', 'partially_refunded')),
  currency          char(3) NOT NULL,
  subtotal_minor    bigint NOT NULL CHECK (subtotal_minor >= 0),
  savings_minor     bigint NOT NULL CHECK (savings_minor BETWEEN 0 AND subtotal_minor),
  discount_minor    bigint NOT NULL CHECK (discount_minor >= 0),
  tax_minor         bigint NOT NULL CHECK (tax_minor >= 0),
  grand_total_minor bigint NOT NULL CHECK (grand_total_minor >= 0),
  promo_code_id     uuid REFERENCES promo_codes (id),
  priority          int NOT NULL DEFAULT 0,
  auto_assign       boolean NOT NULL DEFAULT true,
  policy_accepted   boolean NOT NULL DEFAULT false,
  start_code        text,
  technician_id     uuid REFERENCES technicians (id),
  round             int NOT NULL DEFAULT 1 CHECK (round >= 1),
  attempt           int NOT NULL DEFAULT 0 CHECK (attempt BETWEEN 0 AND 3),
  next_action       text CHECK (next_action IN ('dispatch', 'offer_expiry', 'release_unpaid', 'watch')),
  next_action_at    timestamptz,
  timer_failures    int NOT NULL DEFAULT 0,
  queued_at         timestamptz,
  queue_reason      text,
  watch             jsonb,
  event_seq         bigint NOT NULL DEFAULT 0,
  cancelled_at      timestamptz,
  cancelled_by      text CHECK (cancelled_by IN ('customer', 'partner', 'system', 'admin')),
  cancellation_reason text,
  cancellation_fee_minor bigint CHECK (cancellation_fee_minor >= 0),
  refund_minor      bigint CHECK (refund_minor >= 0),
  rating            int CHECK (rating BETWEEN 1 AND 5),
  feedback          text,
  rated_at          timestamptz,
  created_at        timestamptz NOT NULL DEFAULT app_now(),
  updated_at        timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((next_action IS NULL) = (next_action_at IS NULL)),
  -- No booking is lost: an open one waits either for a timer or for a person, never for both, never for neither.
  CONSTRAINT booking_waits CHECK (status NOT IN ('pending', 'partner_assigned') OR (next_action_at IS NULL) <> (queued_at IS NULL)),
  -- An accepted job is watched until it starts.
  CONSTRAINT booking_watched CHECK (status <> 'confirmed' OR (next_action = 'watch' AND queued_at IS NULL)),
  CONSTRAINT booking_at_rest CHECK (status NOT IN ('completed', 'cancelled', 'refunded') OR (next_action_at IS NULL AND queued_at IS NULL)),
  CONSTRAINT booking_technician CHECK ((status IN ('confirmed', 'in_progress', 'completed')) <= (technician_id IS NOT NULL))
);
-- Two indexes without a booking in common: what is to be dispatched goes by importance, all else by its time.
CREATE INDEX bookings_due ON bookings (next_action_at) WHERE next_action <> 'dispatch';
CREATE INDEX bookings_to_dispatch ON bookings (priority DESC, next_action_at) WHERE next_action = 'dispatch';
CREATE INDEX bookings_queue ON bookings (priority DESC, queued_at) WHERE queued_at IS NOT NULL;
CREATE INDEX bookings_account ON bookings (account_id, created_at DESC);
CREATE INDEX bookings_technician ON bookings (technician_id, starts_at) WHERE technician_id IS NOT NULL;
CREATE INDEX bookings_starts ON bookings (starts_at, status);
CREATE INDEX bookings_open ON bookings (status) WHERE status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress');

CREATE TABLE booking_items (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id       uuid NOT NULL REFERENCES bookings (id) ON DELETE CASCADE,
  position         int NOT NULL,
  service_id       uuid NOT NULL REFERENCES services (id),
  name             text NOT NULL,
  category         text NOT NULL,
  tier             text NOT NULL,
  quantity         int NOT NULL CHECK (quantity BETWEEN 1 AND 20),
  duration_minutes int NOT NULL,
  list_price_minor bigint NOT NULL,
  price_minor      bigint NOT NULL,
  UNIQUE (booking_id, position)
);

CREATE TABLE promo_redemptions (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  promo_code_id  uuid NOT NULL REFERENCES promo_codes (id),
  account_id     uuid NOT NULL REFERENCES accounts (id),
  booking_id     uuid NOT NULL UNIQUE REFERENCES bookings (id),
  discount_minor bigint NOT NULL CHECK (discount_minor >= 0),
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  released_at    timestamptz
);
CREATE INDEX promo_redemptions_user ON promo_redemptions (promo_code_id, account_id) WHERE released_at IS NULL;

-- A technician's reserved time, travel included. Released ones are deleted, so that the exclusion is the whole rule.
CREATE TABLE slots (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  technician_id uuid NOT NULL REFERENCES technicians (id),
  technician_no bigint NOT NULL,
  booking_id    uuid UNIQUE REFERENCES bookings (id),
  preview_id    uuid UNIQUE REFERENCES checkout_previews (id) ON DELETE CASCADE,
  state         text NOT NULL CHECK (state IN ('held', 'offered', 'accepted')),
  during        tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
  expires_at    timestamptz,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  CHECK (num_nonnulls(booking_id, preview_id) = 1),
  CHECK ((preview_id IS NOT NULL) = (expires_at IS NOT NULL)),
  CONSTRAINT slots_never_overlap EXCLUDE USING gist
    (int8range(technician_no, technician_no, '[]') WITH &&, during WITH &&)
);
CREATE INDEX slots_due ON slots (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX slots_during ON slots USING gist (during);

-- ---------------------------------------------------------------- offers and assignments

CREATE TABLE offers (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id    uuid NOT NULL REFERENCES bookings (id),
  technician_id uuid NOT NULL REFERENCES technicians (id),
  round         int NOT NULL CHECK (round >= 1),
  -- Attempts are those of the automatic search; what staff assign by hand stands outside rounds and has none.
  attempt       int CHECK (attempt BETWEEN 1 AND 3),
  state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'rejected', 'expired', 'withdrawn')),
  score         real,
  distance_m    int,
  earning_minor bigint NOT NULL,
  currency      char(3) NOT NULL,
  made_at       timestamptz NOT NULL DEFAULT app_now(),
  expires_at    timestamptz NOT NULL,
  answered_at   timestamptz,
  reason        text,
  made_by       text,
  CHECK ((state = 'open') = (answered_at IS NULL)),
  CONSTRAINT offers_attempt UNIQUE (booking_id, round, attempt)
);
CREATE UNIQUE INDEX offers_one_open_per_booking ON offers (booking_id) WHERE state = 'open';
CREATE UNIQUE INDEX offers_one_open_per_technician ON offers (technician_id) WHERE state = 'open';
CREATE UNIQUE INDEX offers_never_twice_in_a_round ON offers (booking_id, round, technician_id) WHERE attempt IS NOT NULL;
CREATE INDEX offers_technician ON offers (technician_id, made_at DESC);

-- A dead offer stays dead, whoever tries to wake it.
CREATE FUNCTION offers_stay_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'open' AND NEW.state IS DISTINCT FROM OLD.state THEN
    RAISE EXCEPTION 'offer % is % and stays so', OLD.id, OLD.state USING ERRCODE = '23514', CONSTRAINT = 'offers_stay_dead';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER offers_stay_dead BEFORE UPDATE ON offers FOR EACH ROW EXECUTE FUNCTION offers_stay_dead();

CREATE TABLE assignments (
  id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id           uuid NOT NULL REFERENCES bookings (id),
  offer_id             uuid NOT NULL UNIQUE REFERENCES offers (id),
  technician_id        uuid NOT NULL REFERENCES technicians (id),
  state                text NOT NULL DEFAULT 'accepted' CHECK (state IN
                         ('accepted', 'in_transit', 'arrived', 'in_progress', 'completed', 'cancelled')),
  payee_id             uuid NOT NULL REFERENCES parties (id),
  technician_share_pct numeric(5, 2) NOT NULL CHECK (technician_share_pct BETWEEN 0 AND 100),
  platform_share_pct   numeric(5, 2) NOT NULL CHECK (platform_share_pct = 100 - technician_share_pct),
  earning_minor        bigint NOT NULL CHECK (earning_minor >= 0),
  accepted_at          timestamptz NOT NULL DEFAULT app_now(),
  in_transit_at        timestamptz,
  arrived_at           timestamptz,
  started_at           timestamptz,
  completed_at         timestamptz,
  cancelled_at         timestamptz,
  cancelled_by         text,
  cancellation_reason  text,
  estimated_arrival    timestamptz,
  start_code_tries     int NOT NULL DEFAULT 0,
  CHECK ((state = 'cancelled') = (cancelled_at IS NOT NULL)),
  CHECK ((state = 'completed') <= (completed_at IS NOT NULL))
);
CREATE UNIQUE INDEX assignments_one_per_booking ON assignments (booking_id) WHERE state <> 'cancelled';
CREATE INDEX assignments_technician ON assignments (technician_id, accepted_at DESC);

-- ---------------------------------------------------------------- why: the stored explanations

CREATE TABLE match_attempts (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  booking_id     uuid NOT NULL REFERENCES bookings (id),
  round          int NOT NULL,
  attempt        int,
  policy         text NOT NULL,
  policy_version int NOT NULL,
  weights        jsonb NOT NULL,
  radius_m       int NOT NULL,
  outcome        text NOT NULL CHECK (outcome IN ('offered', 'no_candidate')),
  offer_id       uuid REFERENCES offers (id),
  at             timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX match_attempts_booking ON match_attempts (booking_id, id);
CREATE INDEX match_attempts_at ON match_attempts USING brin (at);

CREATE TABLE match_candidates (
  attempt_id    bigint NOT NULL REFERENCES match_attempts (id) ON DELETE CASCADE,
  technician_id uuid NOT NULL REFERENCES technicians (id),
  rank          int,
  reason        text NOT NULL,
  score         real,
  parts         jsonb,
  distance_m    int,
  PRIMARY KEY (attempt_id, technician_id)
);
CREATE INDEX match_candidates_technician ON match_candidates (technician_id, attempt_id DESC);

-- ---------------------------------------------------------------- facts and messages

-- The timeline of a booking, gapless: what the back office reads, sockets send and webhooks carry.
CREATE TABLE booking_events (
  id         bigint GENERATED ALWAYS AS IDENTITY,
  booking_id uuid NOT NULL REFERENCES bookings (id),
  seq        bigint NOT NULL CHECK (seq > 0),
  type       text NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('customer', 'technician', 'admin', 'system', 'service', 'gateway')),
  actor_id   text,
  data       jsonb NOT NULL DEFAULT '{}',
  at         timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (booking_id, seq)
);
CREATE INDEX booking_events_id ON booking_events (id);

CREATE TABLE party_events (
  id       bigint GENERATED ALWAYS AS IDENTITY,
  party_id uuid NOT NULL REFERENCES parties (id),
  seq      bigint NOT NULL CHECK (seq > 0),
  type     text NOT NULL,
  data     jsonb NOT NULL DEFAULT '{}',
  at       timestamptz NOT NULL DEFAULT app_now(),
  PRIMARY KEY (party_id, seq)
);
CREATE INDEX party_events_id ON party_events (id);
CREATE INDEX party_events_at ON party_events USING brin (at);

-- What leaves the server and must not be lost: written with the cause, sent by a sweep, in order within a stream.
CREATE TABLE outbox (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel     text NOT NULL CHECK (channel IN ('sms', 'push', 'email', 'webhook')),
  stream      text NOT NULL,
  recipient   text NOT NULL,
  template    text NOT NULL,
  body        text NOT NULL,
  data        jsonb NOT NULL DEFAULT '{}',
  is_secret   boolean NOT NULL DEFAULT false,
  state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
  attempts    int NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at     timestamptz,
  error       text,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE state = 'pending';
CREATE INDEX outbox_stream ON outbox (stream, id) WHERE state = 'pending';
CREATE INDEX outbox_recipient ON outbox (recipient, id DESC);

CREATE TABLE notifications (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id    uuid REFERENCES accounts (id),
  technician_id uuid REFERENCES technicians (id),
  booking_id    uuid REFERENCES bookings (id),
  type          text NOT NULL,
  title         text NOT NULL,
  message       text NOT NULL,
  is_read       boolean NOT NULL DEFAULT false,
  metadata      jsonb NOT NULL DEFAULT '{}',
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  CHECK (num_nonnulls(account_id, technician_id) = 1)
);
CREATE INDEX notifications_account ON notifications (account_id, created_at DESC) WHERE account_id IS NOT NULL;
CREATE INDEX notifications_created ON notifications USING brin (created_at);
CREATE INDEX notifications_technician ON notifications (technician_id, created_at DESC) WHERE technician_id IS NOT NULL;

-- What staff must look at. One open alert of a kind for a booking is enough.
CREATE TABLE alerts (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind          text NOT NULL,
  booking_id    uuid REFERENCES bookings (id),
  technician_id uuid REFERENCES technicians (id),
  message       text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  resolved_at   timestamptz
);
CREATE UNIQUE INDEX alerts_open ON alerts (kind, booking_id) WHERE resolved_at IS NULL;

CREATE TABLE contact_submissions (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id  uuid REFERENCES accounts (id),
  name        text NOT NULL,
  email       text NOT NULL,
  phone       text,
  subject     text,
  message     text NOT NULL,
  status      text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'read', 'replied', 'resolved')),
  admin_notes text,
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  updated_at  timestamptz NOT NULL DEFAULT app_now()
);
