-- A payout pays an amount of what its payee is owed: whole earnings or a part of one, the oldest first. `payout_id` of an
-- earning is the newest payout that takes from it.

ALTER TABLE earnings
  ADD COLUMN claimed_minor bigint NOT NULL DEFAULT 0,
  ADD COLUMN paid_minor    bigint NOT NULL DEFAULT 0;

CREATE TABLE payout_parts (
  payout_id    uuid NOT NULL REFERENCES payouts (id),
  earning_id   uuid NOT NULL REFERENCES earnings (id),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  PRIMARY KEY (payout_id, earning_id)
);
CREATE INDEX payout_parts_earning ON payout_parts (earning_id);

INSERT INTO payout_parts (payout_id, earning_id, amount_minor)
SELECT o.id, e.id, e.earning_minor FROM payouts o JOIN earnings e ON e.id = ANY(o.earning_ids) WHERE e.earning_minor > 0;
UPDATE earnings SET claimed_minor = earning_minor, paid_minor = CASE WHEN status = 'paid' THEN earning_minor ELSE 0 END
WHERE payout_id IS NOT NULL;

ALTER TABLE earnings
  ADD CONSTRAINT earnings_never_over_paid CHECK (0 <= paid_minor AND paid_minor <= claimed_minor AND claimed_minor <= earning_minor),
  ADD CONSTRAINT earnings_paid_in_full CHECK (status <> 'paid' OR paid_minor = earning_minor);
CREATE INDEX earnings_open ON earnings (payee_id, created_at, id) WHERE claimed_minor < earning_minor;
