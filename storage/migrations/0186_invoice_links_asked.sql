-- What became of a link is asked in turn, the one first that was asked about longest ago.
ALTER TABLE invoice_payments ADD COLUMN asked_at timestamptz,
  -- What its page offers, in the words of the organisation's settings; none named: everything.
  ADD COLUMN means text[] NOT NULL DEFAULT '{}' CHECK (means <@ '{bank_transfer,credit_card}');
DROP INDEX invoice_payments_pending;
CREATE INDEX invoice_payments_asked ON invoice_payments (asked_at NULLS FIRST, created_at)
  WHERE status = 'pending' AND method = 'online';
