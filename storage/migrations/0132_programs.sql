-- Programs of organisations: who is eligible, what they are given, and what they have used of it.

CREATE TABLE programs (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id  uuid NOT NULL REFERENCES organisations (id),
  kind             text NOT NULL CHECK (kind IN ('employee_benefit', 'wellness_program', 'facility_services',
                     'community_program', 'student_services', 'emergency_response')),
  name             text NOT NULL,
  description      text,
  status           text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'ended')),
  -- Who may use it: department ids (none: all), words of employment, months of tenure, segments.
  departments      uuid[] NOT NULL DEFAULT '{}',
  employment       text[] NOT NULL DEFAULT '{}',
  tenure_months    int CHECK (tenure_months >= 0),
  segments         text[] NOT NULL DEFAULT '{}',
  -- What each of them is given in a period; without an amount there is nothing to use up.
  credit_minor     bigint CHECK (credit_minor >= 0),
  currency         char(3) NOT NULL,
  frequency        text CHECK (frequency IN ('monthly', 'quarterly', 'semester', 'annual', 'once')),
  rollover         boolean NOT NULL DEFAULT false,
  allowed_services text[] NOT NULL DEFAULT '{}',
  month_bookings   int CHECK (month_bookings >= 1),
  advance_days     int CHECK (advance_days BETWEEN 0 AND 365),
  cancellation     text,
  budget_minor     bigint CHECK (budget_minor >= 0),
  -- As it was sent: coverage, services and their frequency, schedule, protocol.
  details          jsonb NOT NULL DEFAULT '{}',
  -- Of an emergency: by which event, at which level, since when and by whom it is active.
  activation       jsonb,
  starts_on        date NOT NULL,
  ends_on          date NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT app_now(),
  CHECK (ends_on >= starts_on),
  CHECK ((credit_minor IS NULL) = (frequency IS NULL)),
  UNIQUE (id, organisation_id)
);
CREATE INDEX programs_organisation ON programs (organisation_id, created_at DESC, id DESC);

-- What a member has in a period (its first day), and never uses more of it.
CREATE TABLE program_credits (
  program_id    uuid NOT NULL REFERENCES programs (id),
  member_id     uuid NOT NULL REFERENCES members (id),
  period        date NOT NULL,
  granted_minor bigint NOT NULL CHECK (granted_minor >= 0),
  used_minor    bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (program_id, member_id, period),
  CONSTRAINT program_credit_never_passed CHECK (used_minor BETWEEN 0 AND granted_minor)
);

CREATE TABLE program_uses (
  booking_id   uuid PRIMARY KEY REFERENCES bookings (id),
  program_id   uuid NOT NULL REFERENCES programs (id),
  member_id    uuid NOT NULL REFERENCES members (id),
  period       date NOT NULL,
  month        date NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  state        text NOT NULL DEFAULT 'used' CHECK (state IN ('used', 'released'))
);
CREATE INDEX program_uses_program ON program_uses (program_id) WHERE state = 'used';
CREATE INDEX program_uses_member ON program_uses (member_id, program_id, month) WHERE state = 'used';

ALTER TABLE bookings ADD COLUMN program_id uuid REFERENCES programs (id);
-- In whose name a price was asked for.
ALTER TABLE checkout_previews ADD COLUMN organisation_id uuid REFERENCES organisations (id),
  ADD COLUMN program_id uuid REFERENCES programs (id);
