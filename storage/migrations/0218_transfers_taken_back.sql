-- A transfer that was recorded by mistake, or that the bank took back, counts no more; its reference may be recorded as it was.
-- What of it had paid other invoices as credit is taken back in the same way.
ALTER TABLE invoice_payments ADD COLUMN reversed_at timestamptz, ADD COLUMN reversed_by text, ADD COLUMN reversal_reason text,
  ADD CONSTRAINT invoice_payments_reversed CHECK (
    (reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)
    AND (reversed_at IS NULL OR (status = 'failed' AND method <> 'online')));
DROP INDEX invoice_payments_reference;
CREATE UNIQUE INDEX invoice_payments_reference ON invoice_payments (organisation_id, lower(reference))
  WHERE method = 'bank_transfer' AND reversed_at IS NULL;
-- What is on an invoice, as staff look at it.
CREATE INDEX invoice_payments_invoice ON invoice_payments (invoice_id, created_at, id);
