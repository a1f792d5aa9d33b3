-- Why an order was cancelled stands beside its notes, which stay what they were. Of a booking's order it may be its customer's words:
-- those are forgotten with the booking.
ALTER TABLE trade_orders ADD COLUMN cancellation_reason text;
UPDATE trade_orders o SET notes = NULL,
  cancellation_reason = CASE WHEN b.erased_at IS NULL OR b.cancelled_by IN ('admin', 'system', 'erp') THEN o.notes END
FROM bookings b WHERE b.id = o.booking_id AND o.status = 'CANCELLED';

-- How often a payment that was marked here by mistake was taken back: each marking is a journal of its own.
ALTER TABLE trade_orders ADD COLUMN payments_undone int NOT NULL DEFAULT 0 CHECK (payments_undone >= 0);

-- What is owed, by the day on which it is due.
CREATE INDEX trade_orders_owed ON trade_orders (due_on, id) WHERE credit_minor > 0 AND due_on IS NOT NULL;

-- Who asked to be forgotten is no customer of the ERP's, and their partner is free to have another.
UPDATE trade_partners t SET customer_no = NULL FROM erp_customers c JOIN accounts a ON a.id = c.account_id
WHERE c.no = t.customer_no AND a.erased_at IS NOT NULL;
DELETE FROM erp_customers c USING accounts a WHERE a.id = c.account_id AND a.erased_at IS NOT NULL;
