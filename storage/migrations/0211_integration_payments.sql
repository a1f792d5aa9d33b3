-- What apps that are billed have paid, and what of it was taken back.
CREATE TABLE integration_payments (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  integration_id  uuid NOT NULL REFERENCES integrations (id),
  currency        char(3) NOT NULL,
  amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
  reference       text NOT NULL,
  paid_on         date NOT NULL,
  recorded_by     text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  -- A record that was a mistake stays, and does not count.
  reversed_at     timestamptz,
  reversed_by     text,
  reversal_reason text,
  CHECK ((reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL))
);
-- A transfer counts once; after its record was taken back it may be recorded as it was.
CREATE UNIQUE INDEX integration_payments_reference ON integration_payments (integration_id, lower(reference))
  WHERE reversed_at IS NULL;
CREATE INDEX integration_payments_integration ON integration_payments (integration_id, created_at DESC, id DESC);
