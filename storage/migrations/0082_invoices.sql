-- What organisations are billed: invoices made of done bookings on account, and what was paid on them.

CREATE TABLE invoices (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number          text NOT NULL UNIQUE,
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  -- By the clock, or because somebody asked for it.
  kind            text NOT NULL CHECK (kind IN ('periodic', 'requested')),
  period_start    date NOT NULL,
  period_end      date NOT NULL CHECK (period_end >= period_start),
  currency        char(3) NOT NULL,
  subtotal_minor  bigint NOT NULL CHECK (subtotal_minor >= 0),
  discount_minor  bigint NOT NULL CHECK (discount_minor >= 0),
  tax_minor       bigint NOT NULL CHECK (tax_minor >= 0),
  -- R68, and what its bookings were posted with.
  total_minor     bigint NOT NULL CHECK (total_minor = subtotal_minor + tax_minor - discount_minor AND total_minor > 0),
  paid_minor      bigint NOT NULL DEFAULT 0,
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'overdue')),
  issued_on       date NOT NULL,
  due_on          date NOT NULL CHECK (due_on >= issued_on),
  paid_on         date,
  payment_method  text,
  -- A link to pay by was sent on the due date.
  link_sent_at    timestamptz,
  file_id         uuid REFERENCES files (id),
  group_by        text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT invoices_never_overpaid CHECK (paid_minor BETWEEN 0 AND total_minor),
  CHECK ((status = 'paid') = (paid_minor = total_minor)),
  CHECK ((status = 'paid') = (paid_on IS NOT NULL))
);
CREATE UNIQUE INDEX invoices_once ON invoices (organisation_id, period_start) WHERE kind = 'periodic';
CREATE INDEX invoices_organisation ON invoices (organisation_id, issued_on DESC, id DESC);
CREATE INDEX invoices_open ON invoices (due_on) WHERE status <> 'paid';

CREATE TABLE invoice_lines (
  invoice_id    uuid NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
  position      int NOT NULL,
  department_id uuid REFERENCES departments (id),
  heading       text,
  description   text NOT NULL,
  quantity      int NOT NULL CHECK (quantity > 0),
  unit_minor    bigint NOT NULL,
  amount_minor  bigint NOT NULL CHECK (amount_minor = quantity * unit_minor),
  PRIMARY KEY (invoice_id, position)
);

-- A booking stands on one invoice.
ALTER TABLE bookings ADD COLUMN invoice_id uuid REFERENCES invoices (id);
CREATE INDEX bookings_invoice ON bookings (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX bookings_to_invoice ON bookings (organisation_id, local_date)
  WHERE invoice_id IS NULL AND organisation_id IS NOT NULL AND payment_method = 'account' AND status IN ('completed', 'cancelled');

CREATE TABLE invoice_payments (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  invoice_id      uuid NOT NULL REFERENCES invoices (id),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  method          text NOT NULL CHECK (method IN ('bank_transfer', 'online', 'credit')),
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'success', 'failed')),
  currency        char(3) NOT NULL,
  amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
  -- How much of it the invoice needed; the rest is the organisation's credit.
  applied_minor   bigint NOT NULL DEFAULT 0 CHECK (applied_minor BETWEEN 0 AND amount_minor),
  reference       text,
  gateway_link_id text UNIQUE,
  url             text,
  recorded_by     text NOT NULL,
  paid_on         date,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  settled_at      timestamptz,
  CHECK ((status = 'pending') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX invoice_payments_reference ON invoice_payments (organisation_id, lower(reference))
  WHERE method = 'bank_transfer';
-- One link at a time.
CREATE UNIQUE INDEX invoice_payments_link ON invoice_payments (invoice_id) WHERE method = 'online' AND status = 'pending';
CREATE INDEX invoice_payments_organisation ON invoice_payments (organisation_id, created_at DESC, id DESC);
CREATE INDEX invoice_payments_pending ON invoice_payments (created_at) WHERE status = 'pending';

-- ---------------------------------------------------------------- reports

CREATE TABLE report_definitions (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organisation_id uuid NOT NULL REFERENCES organisations (id),
  made_by         uuid REFERENCES members (id),
  within          uuid,
  name            text NOT NULL,
  metrics         text[] NOT NULL CHECK (cardinality(metrics) > 0),
  dimensions      text[] NOT NULL DEFAULT '{}',
  filters         jsonb NOT NULL DEFAULT '{}',
  format          text NOT NULL CHECK (format IN ('csv', 'xlsx', 'pdf')),
  frequency       text CHECK (frequency IN ('daily', 'weekly', 'monthly', 'quarterly')),
  recipients      text[] NOT NULL DEFAULT '{}',
  next_on         date,
  last_file_id    uuid REFERENCES files (id),
  last_run_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  CHECK ((frequency IS NULL) = (next_on IS NULL))
);
CREATE INDEX report_definitions_organisation ON report_definitions (organisation_id, created_at DESC, id DESC);
CREATE INDEX report_definitions_due ON report_definitions (next_on) WHERE next_on IS NOT NULL;

-- ---------------------------------------------------------------- who is about

-- A sign-in or its renewal is a sign of life.
CREATE FUNCTION members_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE members SET last_active_at = app_now() WHERE id = NEW.subject_id;
  RETURN NULL;
END $$;
CREATE TRIGGER members_seen AFTER INSERT OR UPDATE OF rotated_at ON sessions FOR EACH ROW
  WHEN (NEW.realm = 'organisation') EXECUTE FUNCTION members_seen();
