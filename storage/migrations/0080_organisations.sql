-- Organisations: who books for members. Their standing, tiers, departments, members, budgets and billing settings.

-- ---------------------------------------------------------------- the organisation

-- How many members a tier has room for; NULL has no bound.
CREATE FUNCTION tier_members(tier text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE tier WHEN 'starter' THEN 50 WHEN 'professional' THEN 200 END $$;

CREATE TABLE organisations (
  id                 uuid PRIMARY KEY REFERENCES parties (id),
  org_type           text NOT NULL CHECK (org_type IN ('business', 'lgu', 'school', 'ngo')),
  status             text NOT NULL DEFAULT 'pending_verification'
                       CHECK (status IN ('pending_verification', 'active', 'suspended', 'rejected')),
  status_reason      text,
  tier               text NOT NULL CHECK (tier IN ('starter', 'professional', 'enterprise', 'government_education')),
  member_limit       int GENERATED ALWAYS AS (tier_members(tier)) STORED,
  -- All but the removed; a trigger of the memberships keeps it.
  member_count       int NOT NULL DEFAULT 0 CHECK (member_count >= 0),
  registration_no    text,
  tax_id             text,
  industry           text,
  size               text,
  website            text,
  description        text,
  logo_url           text,
  contacts           jsonb NOT NULL DEFAULT '{}',
  program            jsonb NOT NULL DEFAULT '{}',
  account_manager_id uuid REFERENCES accounts (id),
  -- Public registration is once per address.
  registered_email   text NOT NULL,
  member_since       date,
  verified_by        text,
  -- What staff have granted beside the tier.
  volume_discount_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (volume_discount_pct BETWEEN 0 AND 100),
  payment_terms_days int CHECK (payment_terms_days BETWEEN 0 AND 120),
  created_at         timestamptz NOT NULL DEFAULT app_now(),
  updated_at         timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT organisations_tier_members CHECK (member_count <= member_limit),
  CHECK ((status = 'active') <= (member_since IS NOT NULL))
);
CREATE UNIQUE INDEX organisations_registered_email ON organisations (lower(registered_email));
CREATE UNIQUE INDEX organisations_registration_no ON organisations (lower(registration_no)) WHERE status <> 'rejected';
CREATE INDEX organisations_manager ON organisations (account_manager_id);

-- The steps that a party goes through before it is at home: of organisations four, each a quarter.
CREATE TABLE onboarding_steps (
  party_id     uuid NOT NULL REFERENCES parties (id),
  position     int NOT NULL CHECK (position >= 1),
  step         text NOT NULL,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed')),
  data         jsonb NOT NULL DEFAULT '{}',
  completed_at timestamptz,
  PRIMARY KEY (party_id, step),
  UNIQUE (party_id, position),
  CHECK ((status = 'completed') = (completed_at IS NOT NULL))
);

-- ---------------------------------------------------------------- departments and members

CREATE TABLE departments (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id   uuid NOT NULL REFERENCES organisations (id),
  name              text NOT NULL,
  code              text NOT NULL,
  description       text,
  manager_id        uuid REFERENCES memberships (id),
  manager_name      text,
  manager_email     text,
  -- Categories of services; none named allows all.
  allowed_services  text[] NOT NULL DEFAULT '{}',
  approval_required boolean NOT NULL DEFAULT false,
  created_at        timestamptz NOT NULL DEFAULT app_now(),
  updated_at        timestamptz NOT NULL DEFAULT app_now(),
  deleted_at        timestamptz,
  UNIQUE (id, organisation_id)
);
CREATE UNIQUE INDEX departments_code ON departments (organisation_id, lower(code)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX departments_name ON departments (organisation_id, lower(name)) WHERE deleted_at IS NULL;

-- What an organisation knows of one of its members; role and status stand in the membership of the same id.
CREATE TABLE members (
  id                  uuid PRIMARY KEY REFERENCES memberships (id),
  organisation_id     uuid NOT NULL REFERENCES organisations (id),
  department_id       uuid,
  first_name          text NOT NULL,
  last_name           text NOT NULL DEFAULT '',
  email               text,
  phone               text,
  employee_no         text,
  access_level        text NOT NULL DEFAULT 'standard',
  can_book            boolean NOT NULL DEFAULT true,
  require_approval    boolean NOT NULL DEFAULT false,
  monthly_limit_minor bigint CHECK (monthly_limit_minor >= 0),
  allowed_services    text[] NOT NULL DEFAULT '{}',
  employment_status   text,
  hired_on            date,
  -- Where programs ask for it: a barangay or district, a term.
  segment             text,
  status_reason       text,
  -- A suspension or removal that is to come.
  next_status         text CHECK (next_status IN ('active', 'suspended', 'removed')),
  next_status_on      date,
  enrolled_at         timestamptz NOT NULL DEFAULT app_now(),
  last_active_at      timestamptz,
  removed_at          timestamptz,
  updated_at          timestamptz NOT NULL DEFAULT app_now(),
  words               tsvector GENERATED ALWAYS AS (array_to_tsvector(search_words(first_name) || search_words(last_name)
                        || search_words(email) || search_words(employee_no) || search_phone(phone))) STORED,
  UNIQUE (id, organisation_id),
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id),
  CHECK ((next_status IS NULL) = (next_status_on IS NULL))
);
CREATE UNIQUE INDEX members_email ON members (organisation_id, lower(email)) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX members_employee_no ON members (organisation_id, lower(employee_no)) WHERE removed_at IS NULL;
CREATE INDEX members_department ON members (department_id) WHERE removed_at IS NULL;
CREATE INDEX members_enrolled ON members (organisation_id, enrolled_at DESC, id DESC);
CREATE INDEX members_to_change ON members (next_status_on) WHERE next_status IS NOT NULL;
CREATE INDEX memberships_party ON memberships (party_id, realm) WHERE party_id IS NOT NULL;

-- Whoever may approve what a department asks for.
CREATE TABLE department_approvers (
  department_id   uuid NOT NULL,
  organisation_id uuid NOT NULL,
  member_id       uuid NOT NULL,
  PRIMARY KEY (department_id, member_id),
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id) ON DELETE CASCADE,
  FOREIGN KEY (member_id, organisation_id) REFERENCES members (id, organisation_id)
);
CREATE INDEX department_approvers_member ON department_approvers (member_id);

-- The number of members moves with the memberships themselves, one update for all that a statement writes.
CREATE FUNCTION organisations_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organisations o SET member_count = member_count + d.change
  FROM (
    SELECT party_id, sum(change)::int AS change FROM (
      SELECT party_id, 1 AS change FROM new_rows WHERE realm = 'organisation' AND status <> 'removed'
      UNION ALL
      SELECT party_id, -1 FROM old_rows WHERE realm = 'organisation' AND status <> 'removed') c
    GROUP BY party_id) d
  WHERE o.id = d.party_id AND d.change <> 0;
  RETURN NULL;
END $$;
CREATE FUNCTION organisations_count_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organisations o SET member_count = member_count + d.change
  FROM (SELECT party_id, count(*)::int AS change FROM new_rows WHERE realm = 'organisation' AND status <> 'removed'
        GROUP BY party_id) d
  WHERE o.id = d.party_id;
  RETURN NULL;
END $$;
CREATE TRIGGER memberships_count AFTER UPDATE ON memberships REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION organisations_count();
CREATE TRIGGER memberships_count_new AFTER INSERT ON memberships REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION organisations_count_new();

-- Who has proved who they are (a password by the link, a phone by its code) is no longer only invited.
CREATE FUNCTION accounts_join() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE memberships SET status = 'active' WHERE account_id = NEW.id AND realm = 'organisation' AND status = 'pending';
  RETURN NULL;
END $$;
CREATE TRIGGER accounts_join AFTER UPDATE OF password_hash, is_verified ON accounts FOR EACH ROW
  WHEN ((NEW.password_hash IS NOT NULL AND OLD.password_hash IS NULL) OR (NEW.is_verified AND NOT OLD.is_verified))
  EXECUTE FUNCTION accounts_join();

-- ---------------------------------------------------------------- budgets

-- What is allotted from a month on, to the whole organisation (no department) or to one of its departments.
CREATE TABLE budget_allocations (
  id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id      uuid NOT NULL REFERENCES organisations (id),
  department_id        uuid,
  starts_on            date NOT NULL CHECK (extract(day FROM starts_on) = 1),
  amount_minor         bigint NOT NULL CHECK (amount_minor >= 0),
  services             text[] NOT NULL DEFAULT '{}',
  allow_overspend      boolean NOT NULL DEFAULT true,
  -- Without a rule of their own the warning comes at three quarters.
  alert_threshold_pct  numeric(5, 2) NOT NULL DEFAULT 75 CHECK (alert_threshold_pct BETWEEN 0 AND 100),
  approval_above_minor bigint CHECK (approval_above_minor >= 0),
  set_by               text NOT NULL,
  created_at           timestamptz NOT NULL DEFAULT app_now(),
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id),
  UNIQUE NULLS NOT DISTINCT (organisation_id, department_id, starts_on)
);

-- A month's account of it, made when something is first reserved or spent. No amount: nothing was allotted, nothing
-- is refused, and what was spent is known all the same.
CREATE TABLE budget_months (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id     uuid NOT NULL REFERENCES organisations (id),
  department_id       uuid,
  month               date NOT NULL CHECK (extract(day FROM month) = 1),
  amount_minor        bigint CHECK (amount_minor >= 0),
  allow_overspend     boolean NOT NULL DEFAULT true,
  alert_threshold_pct numeric(5, 2) NOT NULL DEFAULT 75,
  reserved_minor      bigint NOT NULL DEFAULT 0 CHECK (reserved_minor >= 0),
  spent_minor         bigint NOT NULL DEFAULT 0 CHECK (spent_minor >= 0),
  -- The warning is raised once a month.
  alerted_at          timestamptz,
  FOREIGN KEY (department_id, organisation_id) REFERENCES departments (id, organisation_id),
  UNIQUE NULLS NOT DISTINCT (organisation_id, department_id, month),
  CONSTRAINT budget_never_passed CHECK (allow_overspend OR reserved_minor + spent_minor <= amount_minor)
);

-- ---------------------------------------------------------------- billing settings

CREATE TABLE billing_settings (
  organisation_id      uuid PRIMARY KEY REFERENCES organisations (id),
  billing_cycle        text NOT NULL DEFAULT 'monthly' CHECK (billing_cycle IN ('monthly', 'quarterly')),
  billing_day          int NOT NULL DEFAULT 1 CHECK (billing_day BETWEEN 1 AND 28),
  payment_terms        text NOT NULL DEFAULT 'net_30',
  terms_days           int NOT NULL DEFAULT 30 CHECK (terms_days BETWEEN 0 AND 120),
  primary_method       text NOT NULL DEFAULT 'bank_transfer' CHECK (primary_method IN ('bank_transfer', 'credit_card')),
  backup_method        text CHECK (backup_method IN ('bank_transfer', 'credit_card')),
  invoice_format       text NOT NULL DEFAULT 'detailed' CHECK (invoice_format IN ('detailed', 'summary')),
  group_by             text NOT NULL DEFAULT 'service' CHECK (group_by IN ('department', 'service', 'location')),
  include_tax          boolean NOT NULL DEFAULT true,
  recipients           text[] NOT NULL DEFAULT '{}',
  auto_payment         boolean NOT NULL DEFAULT false,
  auto_payment_method  text CHECK (auto_payment_method IN ('bank_transfer', 'credit_card')),
  updated_at           timestamptz NOT NULL DEFAULT app_now()
);
ALTER TABLE bank_accounts ADD COLUMN bank_code text;

-- ---------------------------------------------------------------- bookings of an organisation

ALTER TABLE bookings
  ADD COLUMN department_id uuid REFERENCES departments (id),
  -- Whose booking it is within the organisation.
  ADD COLUMN member_id     uuid REFERENCES members (id),
  ADD COLUMN budget_code   text,
  ADD COLUMN requirements  text[] NOT NULL DEFAULT '{}';
CREATE INDEX bookings_organisation ON bookings (organisation_id, starts_at) WHERE organisation_id IS NOT NULL;
CREATE INDEX bookings_member ON bookings (member_id, starts_at) WHERE member_id IS NOT NULL;
