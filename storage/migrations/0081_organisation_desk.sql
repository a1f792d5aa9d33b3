-- Tables that members are enrolled from, keys with limits of their own, and the help desk of organisations.

-- ---------------------------------------------------------------- enrolling from a table

CREATE TABLE enrolments (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  made_by         text NOT NULL,
  -- As whom the rows are enrolled: the role and the department of whoever sent the table.
  role            text NOT NULL,
  within          uuid,
  department_id   uuid REFERENCES departments (id),
  access_level    text NOT NULL,
  state           text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'completed')),
  total           int NOT NULL DEFAULT 0 CHECK (total >= 0),
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  finished_at     timestamptz,
  CHECK ((state = 'completed') = (finished_at IS NOT NULL))
);
CREATE INDEX enrolments_organisation ON enrolments (organisation_id, created_at DESC, id DESC);

CREATE TABLE enrolment_rows (
  enrolment_id uuid NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
  row          int NOT NULL CHECK (row >= 1),
  data         jsonb NOT NULL,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'success', 'failed')),
  member_id    uuid REFERENCES members (id),
  error        text,
  PRIMARY KEY (enrolment_id, row),
  CHECK ((status = 'success') = (member_id IS NOT NULL)),
  CHECK ((status = 'failed') = (error IS NOT NULL))
);
CREATE INDEX enrolment_rows_pending ON enrolment_rows (enrolment_id, row) WHERE status = 'pending';

-- ---------------------------------------------------------------- keys

-- Of an organisation's key: what it is for, and how much it may ask in a quarter of an hour.
ALTER TABLE api_clients
  ADD COLUMN description text,
  ADD COLUMN rate_limit  int CHECK (rate_limit BETWEEN 1 AND 100000);

-- ---------------------------------------------------------------- support

CREATE TABLE support_tickets (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number          text NOT NULL UNIQUE,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  opened_by       uuid REFERENCES members (id),
  subject         text NOT NULL,
  category        text NOT NULL CHECK (category IN ('billing', 'technical', 'account', 'service', 'feature_request', 'other')),
  priority        text NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
  urgency         text,
  description     text NOT NULL,
  attachments     text[] NOT NULL DEFAULT '{}',
  affected        uuid[] NOT NULL DEFAULT '{}',
  -- A complaint about a service names the booking.
  booking_id      uuid REFERENCES bookings (id),
  status          text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')),
  assigned_to     uuid REFERENCES accounts (id),
  -- Until when the house has promised a first answer, and when it gave it.
  due_at          timestamptz NOT NULL,
  answered_at     timestamptz,
  resolved_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  updated_at      timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((status IN ('resolved', 'closed')) = (resolved_at IS NOT NULL))
);
CREATE INDEX support_tickets_organisation ON support_tickets (organisation_id, created_at DESC, id DESC);
CREATE INDEX support_tickets_created ON support_tickets (created_at DESC, id DESC);
CREATE INDEX support_tickets_due ON support_tickets (due_at) WHERE answered_at IS NULL;
CREATE INDEX support_tickets_booking ON support_tickets (booking_id) WHERE booking_id IS NOT NULL;

CREATE TABLE ticket_replies (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  ticket_id   uuid NOT NULL REFERENCES support_tickets (id),
  is_staff    boolean NOT NULL,
  author      text NOT NULL,
  author_name text,
  message     text NOT NULL,
  attachments text[] NOT NULL DEFAULT '{}',
  created_at  timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX ticket_replies_ticket ON ticket_replies (ticket_id, created_at, id);

-- Whom an organisation may ask, as staff keep it: its account manager's hours and numbers, the technical support, the
-- emergency line.
CREATE TABLE support_contacts (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind         text NOT NULL CHECK (kind IN ('account_manager', 'technical', 'emergency')),
  account_id   uuid REFERENCES accounts (id),
  title        text,
  email        text,
  phone        text,
  mobile_phone text,
  hours        text,
  languages    text[] NOT NULL DEFAULT '{}',
  note         text,
  updated_at   timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((kind = 'account_manager') = (account_id IS NOT NULL)),
  UNIQUE NULLS NOT DISTINCT (kind, account_id)
);

CREATE TABLE training_resources (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  type             text NOT NULL CHECK (type IN ('video', 'document', 'webinar', 'live')),
  title            text NOT NULL,
  url              text,
  register_url     text,
  duration_minutes int CHECK (duration_minutes > 0),
  pages            int CHECK (pages > 0),
  scheduled_at     timestamptz,
  seats            int CHECK (seats >= 0),
  is_active        boolean NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX training_resources_created ON training_resources (created_at DESC, id DESC);
