-- Orders of trade partners and their delivery notes, the credit that orders take, and the rounds of salespeople.

CREATE SEQUENCE trade_order_numbers;
CREATE SEQUENCE delivery_note_numbers;

-- `credit_minor` is what an order takes of its partner's credit just now: all of it until it is paid, of a cancelled one the fee.
CREATE TABLE trade_orders (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code            text NOT NULL UNIQUE,
  partner_no      bigint NOT NULL REFERENCES trade_partners (no),
  -- A booking is billed once.
  booking_id      uuid UNIQUE REFERENCES bookings (id),
  organisation_id uuid REFERENCES parties (id),
  status          text NOT NULL DEFAULT 'CONFIRMED' CHECK (status IN ('CONFIRMED', 'DELIVERED', 'CANCELLED')),
  currency        char(3) NOT NULL,
  lines           jsonb NOT NULL,
  subtotal_minor  bigint NOT NULL CHECK (subtotal_minor >= 0),
  discount_minor  bigint NOT NULL CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
  tax_minor       bigint NOT NULL CHECK (tax_minor >= 0),
  total_minor     bigint NOT NULL CHECK (total_minor = subtotal_minor - discount_minor + tax_minor),
  credit_minor    bigint NOT NULL CHECK (credit_minor BETWEEN 0 AND total_minor),
  fee_minor       bigint NOT NULL DEFAULT 0 CHECK (fee_minor BETWEEN 0 AND total_minor),
  due_on          date,
  notes           text,
  payment_reference text,
  created_at      timestamptz NOT NULL DEFAULT app_now(),
  updated_at      timestamptz NOT NULL DEFAULT app_now(),
  delivered_at    timestamptz,
  cancelled_at    timestamptz,
  paid_at         timestamptz,
  CHECK ((status = 'DELIVERED') = (delivered_at IS NOT NULL)),
  CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL)),
  CHECK (paid_at IS NULL OR credit_minor = 0),
  CHECK (status = 'CANCELLED' OR fee_minor = 0)
);
CREATE INDEX trade_orders_partner ON trade_orders (partner_no, id DESC);
CREATE INDEX trade_orders_status ON trade_orders (status, id DESC);

CREATE TABLE delivery_notes (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code        text NOT NULL UNIQUE,
  order_id    bigint NOT NULL UNIQUE REFERENCES trade_orders (id),
  partner_no  bigint NOT NULL REFERENCES trade_partners (no),
  status      text NOT NULL DEFAULT 'DELIVERED' CHECK (status = 'DELIVERED'),
  currency    char(3) NOT NULL,
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  created_at  timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX delivery_notes_partner ON delivery_notes (partner_no, id DESC);

-- Credit moves with the order itself, whoever writes it. The partner's row is locked by it, so orders at once come one after the
-- other, and the one that would pass the limit breaks credit_within_limit. What is let go takes the overdraft with it.
CREATE FUNCTION trade_orders_take_credit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  change bigint := NEW.credit_minor;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    change := NEW.credit_minor - OLD.credit_minor;
  END IF;
  IF change <> 0 THEN
    UPDATE trade_partners SET credit_used_minor = credit_used_minor + change,
      credit_over_minor = least(credit_over_minor, greatest(0, credit_used_minor + change - credit_limit_minor))
    WHERE no = NEW.partner_no;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER trade_orders_take_credit AFTER INSERT OR UPDATE OF credit_minor ON trade_orders
  FOR EACH ROW EXECUTE FUNCTION trade_orders_take_credit();

-- Whom a price was made for: the party that is billed for the booking that comes of it.
ALTER TABLE checkout_previews ADD COLUMN billed_to uuid REFERENCES parties (id);

-- ---------------------------------------------------------------- itineraries

CREATE TABLE itineraries (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code           text NOT NULL UNIQUE,
  name           text NOT NULL,
  salesperson_id bigint REFERENCES salespeople (id),
  is_active      boolean NOT NULL DEFAULT true,
  created_at     timestamptz NOT NULL DEFAULT app_now(),
  updated_at     timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE itinerary_partners (
  id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  itinerary_id         bigint NOT NULL REFERENCES itineraries (id) ON DELETE CASCADE,
  partner_no           bigint NOT NULL REFERENCES trade_partners (no),
  rank                 int NOT NULL CHECK (rank BETWEEN 1 AND 10000),
  visit_frequency_days int CHECK (visit_frequency_days BETWEEN 1 AND 366),
  start_time           time,
  end_time             time,
  is_stop_point        boolean NOT NULL DEFAULT true,
  created_at           timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT itinerary_partners_once UNIQUE (itinerary_id, partner_no),
  CONSTRAINT itinerary_partners_rank UNIQUE (itinerary_id, rank) DEFERRABLE INITIALLY IMMEDIATE,
  CHECK (end_time > start_time)
);
CREATE INDEX itinerary_partners_partner ON itinerary_partners (partner_no);
