-- Tables that trade partners are imported from: a row is settled with what it made or not at all, so whoever goes on with a table
-- finds what is left.

CREATE TABLE partner_imports (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  made_by     text,
  -- What whoever sent the table may do, and what they want of codes that are known.
  may_credit  boolean NOT NULL,
  updates     boolean NOT NULL,
  total       int NOT NULL CHECK (total >= 0),
  state       text NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'completed')),
  created_at  timestamptz NOT NULL DEFAULT app_now(),
  finished_at timestamptz,
  CHECK ((state = 'completed') = (finished_at IS NOT NULL))
);
CREATE INDEX partner_imports_age ON partner_imports (created_at);

-- `line` is the line in the file; `given` is its form, none where nothing could be read.
CREATE TABLE partner_import_rows (
  import_id  uuid NOT NULL REFERENCES partner_imports (id) ON DELETE CASCADE,
  line       int NOT NULL CHECK (line >= 1),
  given      jsonb,
  result     text NOT NULL DEFAULT 'pending' CHECK (result IN ('pending', 'created', 'updated', 'failed')),
  partner_no bigint REFERENCES trade_partners (no),
  message    text,
  errors     jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (import_id, line),
  CHECK ((result IN ('created', 'updated')) = (partner_no IS NOT NULL)),
  CHECK (given IS NOT NULL OR result = 'failed')
);
CREATE INDEX partner_import_rows_pending ON partner_import_rows (import_id, line) WHERE result = 'pending';
CREATE INDEX partner_import_rows_partner ON partner_import_rows (partner_no) WHERE partner_no IS NOT NULL;
