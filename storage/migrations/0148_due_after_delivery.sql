-- An order is due so many days after its delivery, or after the day on which it was cancelled for a fee: until then no day is known.
ALTER TABLE trade_orders ADD COLUMN due_days int NOT NULL DEFAULT 0 CHECK (due_days >= 0);
UPDATE trade_orders SET due_days = greatest(0, due_on - created_at::date) WHERE due_on IS NOT NULL;
UPDATE trade_orders SET due_on = CASE
  WHEN status = 'DELIVERED' THEN delivered_at::date + due_days
  WHEN fee_minor > 0 THEN cancelled_at::date + due_days END;
