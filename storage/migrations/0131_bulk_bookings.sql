-- What an organisation books at once or again and again, whom it prefers, and what it has negotiated.

CREATE TABLE bulk_bookings (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number           text NOT NULL UNIQUE,
  organisation_id  uuid NOT NULL REFERENCES organisations (id),
  department_id    uuid,
  program_id       uuid,
  -- Who asked for it; a key acts for the owner.
  member_id        uuid NOT NULL,
  account_id       uuid NOT NULL REFERENCES accounts (id),
  type             text NOT NULL CHECK (type IN ('one_time', 'recurring', 'bulk_individual')),
  status           text NOT NULL CHECK (status IN
                     ('pending_approval', 'active', 'paused', 'rejected', 'cancelled', 'completed')),
  service_id       uuid NOT NULL REFERENCES services (id),
  title            text NOT NULL,
  category         text NOT NULL,
  tier             text NOT NULL,
  duration_minutes int NOT NULL CHECK (duration_minutes > 0),
  schedule         jsonb NOT NULL,
  timezone         text NOT NULL,
  budget_code      text,
  requirements     text[] NOT NULL DEFAULT '{}',
  -- Of one visit: the list price, the negotiated one, and the tax on it.
  currency         char(3) NOT NULL,
  list_minor       bigint NOT NULL CHECK (list_minor >= 0),
  price_minor      bigint NOT NULL CHECK (price_minor BETWEEN 0 AND list_minor),
  tax_minor        bigint NOT NULL CHECK (tax_minor >= 0),
  discount_pct     numeric(5, 2) NOT NULL CHECK (discount_pct BETWEEN 0 AND 100),
  -- Who is billed: the organisation, or its trade partner.
  billed_to        uuid NOT NULL REFERENCES parties (id),
  reason           text,
  created_at       timestamptz NOT NULL DEFAULT app_now(),
  updated_at       timestamptz NOT NULL DEFAULT app_now(),
  words            tsvector GENERATED ALWAYS AS (array_to_tsvector(search_words(number) || search_words(title))) STORED,
  UNIQUE (id, organisation_id),
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id),
  FOREIGN KEY (member_id, organisation_id) REFERENCES members (id, organisation_id)
);
CREATE INDEX bulk_bookings_organisation ON bulk_bookings (organisation_id, created_at DESC, id DESC);

-- Whose word is waited for; all of them approve, one of them rejects.
CREATE TABLE bulk_approvals (
  bulk_id    uuid NOT NULL REFERENCES bulk_bookings (id),
  member_id  uuid NOT NULL REFERENCES members (id),
  decision   text CHECK (decision IN ('approved', 'rejected')),
  note       text,
  decided_at timestamptz,
  PRIMARY KEY (bulk_id, member_id),
  CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE INDEX bulk_approvals_member ON bulk_approvals (member_id) WHERE decision IS NULL;

CREATE TABLE bulk_locations (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  bulk_id         uuid NOT NULL REFERENCES bulk_bookings (id),
  position        int NOT NULL CHECK (position >= 0),
  name            text NOT NULL,
  address         jsonb NOT NULL,
  contact         jsonb NOT NULL,
  zone_id         uuid REFERENCES zones (id),
  lat             double precision NOT NULL,
  lng             double precision NOT NULL,
  is_approximate  boolean NOT NULL,
  number          text NOT NULL UNIQUE,
  UNIQUE (bulk_id, position)
);

-- One visit to one place. It becomes a booking once, ahead of its day; what it will cost is reserved until then and
-- spent when it is done.
CREATE TABLE bulk_visits (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  bulk_id     uuid NOT NULL REFERENCES bulk_bookings (id),
  location_id uuid NOT NULL REFERENCES bulk_locations (id),
  on_date     date NOT NULL,
  at_time     time NOT NULL,
  state       text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'booked', 'skipped', 'done', 'cancelled', 'failed')),
  booking_id  uuid UNIQUE REFERENCES bookings (id),
  -- Why it could not be booked, while it is tried again.
  trouble     text,
  UNIQUE (location_id, on_date, at_time),
  CHECK ((state IN ('booked', 'done')) <= (booking_id IS NOT NULL))
);
CREATE INDEX bulk_visits_bulk ON bulk_visits (bulk_id, on_date);
CREATE INDEX bulk_visits_planned ON bulk_visits (on_date) WHERE state = 'planned';

-- What of a budget a booking holds: reserved until it is done, spent then, given back when it is cancelled. The rows of
-- the visits that are not yet bookings are those of the bulk.
CREATE TABLE budget_holds (
  booking_id      uuid PRIMARY KEY REFERENCES bookings (id),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  department_id   uuid,
  month           date NOT NULL,
  amount_minor    bigint NOT NULL CHECK (amount_minor >= 0),
  state           text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'spent', 'released'))
);

-- ---------------------------------------------------------------- preferred providers

CREATE TABLE preferred_providers (
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  provider_id     uuid NOT NULL REFERENCES providers (id),
  -- Categories; none named means all.
  services        text[] NOT NULL DEFAULT '{}',
  priority        int NOT NULL CHECK (priority BETWEEN 1 AND 1000),
  discount_pct    numeric(5, 2) NOT NULL DEFAULT 0 CHECK (discount_pct BETWEEN 0 AND 100),
  exclusivity     boolean NOT NULL DEFAULT false,
  PRIMARY KEY (organisation_id, provider_id)
);
ALTER TABLE organisations
  ADD COLUMN prefers_first boolean NOT NULL DEFAULT true,
  ADD COLUMN allows_others boolean NOT NULL DEFAULT true;

-- ---------------------------------------------------------------- quotes

CREATE TABLE quotes (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number          text NOT NULL UNIQUE,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  department_id   uuid,
  member_id       uuid,
  service_type    text NOT NULL,
  description     text NOT NULL,
  requirements    jsonb NOT NULL,
  budget          jsonb,
  additional_info text,
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'quoted', 'accepted', 'declined', 'withdrawn')),
  account_manager_id uuid REFERENCES accounts (id),
  -- The answer: so much for one visit of a service, good until a day.
  service_id      uuid REFERENCES services (id),
  currency        char(3),
  price_minor     bigint CHECK (price_minor >= 0),
  valid_until     date,
  terms           text,
  answered_by     text,
  answered_at     timestamptz,
  decided_by      uuid,
  decided_at      timestamptz,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id),
  CHECK ((status IN ('pending', 'withdrawn')) OR answered_at IS NOT NULL),
  CHECK ((answered_at IS NULL) = (price_minor IS NULL)),
  CHECK ((price_minor IS NULL) = (valid_until IS NULL))
);
CREATE INDEX quotes_organisation ON quotes (organisation_id, created_at DESC, id DESC);
CREATE INDEX quotes_open ON quotes (created_at DESC, id DESC) WHERE status = 'pending';
-- The negotiated price of a service is the accepted quote's.
CREATE INDEX quotes_prices ON quotes (organisation_id, service_id, decided_at DESC) WHERE status = 'accepted';

-- What an organisation has booked, a line for each place of a bulk and for each booking that a member made alone.
CREATE VIEW organisation_bookings AS
SELECT l.id, b.organisation_id, b.department_id, b.member_id, b.id AS bulk_id, l.number, b.type, b.title AS service, b.category,
  l.name AS location, b.status, b.schedule ->> 'frequency' AS frequency, b.currency, b.list_minor AS per_booking_minor,
  b.created_at, v.first_on, v.last_on, v.next_on, v.next_time, b.timezone, v.visits, v.done,
  v.done * b.price_minor AS paid_minor, (v.visits - v.done) * b.price_minor AS remaining_minor
FROM bulk_bookings b JOIN bulk_locations l ON l.bulk_id = b.id CROSS JOIN LATERAL (
  SELECT min(on_date) AS first_on, max(on_date) AS last_on,
    count(*) FILTER (WHERE state NOT IN ('skipped', 'cancelled', 'failed'))::int AS visits,
    count(*) FILTER (WHERE state = 'done')::int AS done,
    (array_agg(on_date ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_on,
    (array_agg(at_time ORDER BY on_date, at_time) FILTER (WHERE state IN ('planned', 'booked') AND b.status = 'active'))[1] AS next_time
  FROM bulk_visits WHERE location_id = l.id) v
UNION ALL
SELECT k.id, k.organisation_id, k.department_id, k.member_id, NULL, k.number, 'one_time', i.name, k.categories[1],
  coalesce(k.address ->> 'name', k.address ->> 'address_line1'), k.status, 'once', k.currency, k.subtotal_minor, k.created_at,
  k.local_date, k.local_date, CASE WHEN k.status IN ('pending', 'partner_assigned', 'confirmed') THEN k.local_date END,
  k.local_time, k.timezone, 1, (k.status = 'completed')::int,
  CASE WHEN k.status = 'completed' THEN k.subtotal_minor - k.savings_minor - k.discount_minor ELSE 0 END,
  CASE WHEN k.status IN ('completed', 'cancelled', 'refunded') THEN 0 ELSE k.subtotal_minor - k.savings_minor - k.discount_minor END
FROM bookings k CROSS JOIN LATERAL (SELECT name FROM booking_items WHERE booking_id = k.id ORDER BY id LIMIT 1) i
WHERE k.organisation_id IS NOT NULL AND NOT EXISTS (SELECT FROM bulk_visits v WHERE v.booking_id = k.id);
