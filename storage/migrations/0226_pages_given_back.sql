-- What came in at the gateway's page of an invoice may be given back there; then it counts no more either.
ALTER TABLE invoice_payments DROP CONSTRAINT invoice_payments_reversed, ADD CONSTRAINT invoice_payments_reversed CHECK (
  (reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)
  AND (reversed_at IS NULL OR status = 'failed'));
