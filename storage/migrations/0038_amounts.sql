-- What a booking's payments ask of its customer stands on the booking, so that every screen that names its price says the
-- same without asking again. It moves with the payment itself, whoever writes it; who writes one holds the booking's lock.
ALTER TABLE bookings
  ADD COLUMN wallet_minor          bigint NOT NULL DEFAULT 0,
  -- Fees of earlier cancellations that this booking's payment settles.
  ADD COLUMN outstanding_fee_minor bigint NOT NULL DEFAULT 0,
  -- What the technician is to take at the door, and what was taken.
  ADD COLUMN to_collect_minor      bigint NOT NULL DEFAULT 0,
  ADD COLUMN collected_minor       bigint NOT NULL DEFAULT 0;

CREATE FUNCTION asked_of(booking uuid, OUT wallet_minor bigint, OUT outstanding_fee_minor bigint, OUT to_collect_minor bigint,
  OUT collected_minor bigint) LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(captured_minor) FILTER (WHERE kind = 'wallet'), 0),
    coalesce(sum(dues_minor), 0),
    coalesce(sum(amount_minor) FILTER (WHERE kind = 'cash' AND captured_minor = 0), 0),
    coalesce(sum(captured_minor) FILTER (WHERE kind = 'cash'), 0)
  FROM payments WHERE booking_id = booking AND surplus_of IS NULL $$;

CREATE FUNCTION payments_show() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE bookings b SET wallet_minor = a.wallet_minor, outstanding_fee_minor = a.outstanding_fee_minor,
    to_collect_minor = a.to_collect_minor, collected_minor = a.collected_minor
  FROM asked_of(coalesce(NEW.booking_id, OLD.booking_id)) a
  WHERE b.id = coalesce(NEW.booking_id, OLD.booking_id)
    AND (b.wallet_minor, b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor)
      IS DISTINCT FROM (a.wallet_minor, a.outstanding_fee_minor, a.to_collect_minor, a.collected_minor);
  RETURN NULL;
END $$;
CREATE TRIGGER payments_show AFTER INSERT OR DELETE OR UPDATE OF kind, amount_minor, dues_minor, captured_minor, surplus_of
  ON payments FOR EACH ROW EXECUTE FUNCTION payments_show();

UPDATE bookings b SET wallet_minor = a.wallet_minor, outstanding_fee_minor = a.outstanding_fee_minor,
  to_collect_minor = a.to_collect_minor, collected_minor = a.collected_minor
FROM (SELECT DISTINCT booking_id FROM payments WHERE booking_id IS NOT NULL) p, asked_of(p.booking_id) a
WHERE b.id = p.booking_id;
