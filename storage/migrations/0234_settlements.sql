-- What staff settle with one person by hand: a wallet that is paid out, fees that are taken off, cash that a technician brings.
CREATE TABLE settlements (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind            text NOT NULL CHECK (kind IN ('wallet_paid_out', 'fees_waived', 'cash_handed_in')),
  -- The customer's account, or the technician's party.
  owner_id        uuid NOT NULL,
  currency        char(3) NOT NULL,
  amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
  -- The bank's, or the receipt's: what changes hands does so once.
  reference       text,
  reason          text,
  recorded_by     text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  -- A record that was a mistake stays, and does not count.
  reversed_at     timestamptz,
  reversed_by     text,
  reversal_reason text,
  CHECK ((kind = 'fees_waived') = (reference IS NULL)),
  CHECK ((reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL))
);
CREATE UNIQUE INDEX settlements_reference ON settlements (kind, owner_id, lower(reference))
  WHERE reversed_at IS NULL AND reference IS NOT NULL;
CREATE INDEX settlements_owner ON settlements (owner_id, created_at DESC, id DESC);
