-- What happened on each day of the business, summed once the day is over; what is not summed yet is read from the events.
-- Events are only added and keep their moment: journals, ends of jobs, earnings, ratings, bookings made.

CREATE INDEX ledger_journals_money ON ledger_journals (at)
  WHERE kind IN ('capture', 'completion', 'refund', 'refund_failed');
CREATE INDEX assignments_done ON assignments (completed_at) WHERE state = 'completed';
CREATE INDEX assignments_given_up ON assignments (cancelled_at) WHERE state = 'cancelled';
CREATE INDEX earnings_created ON earnings (created_at);
CREATE INDEX bookings_rated ON bookings (rated_at) WHERE rated_at IS NOT NULL;
CREATE INDEX bookings_made ON bookings (created_at);
CREATE INDEX bookings_cancelled ON bookings (cancelled_at) WHERE cancelled_at IS NOT NULL;
CREATE INDEX ledger_accounts_payable ON ledger_accounts (currency) WHERE type = 'payable';

-- All days before `until`, by the clocks of `timezone`, are in the sums.
CREATE TABLE analytics_rolled (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  timezone text NOT NULL,
  until    date NOT NULL
);
INSERT INTO analytics_rolled (timezone, until) VALUES ('', '0001-01-01');

CREATE TABLE analytics_days (
  day           date NOT NULL,
  currency      char(3) NOT NULL,
  bookings      bigint NOT NULL,
  cancelled     bigint NOT NULL,
  paid          bigint NOT NULL,
  revenue_minor bigint NOT NULL,
  PRIMARY KEY (currency, day)
);
-- Days, and whole months, so that years are few rows.
CREATE TABLE analytics_technicians (
  grain          text NOT NULL CHECK (grain IN ('day', 'month')),
  starts_on      date NOT NULL,
  technician_id  uuid NOT NULL,
  currency       char(3) NOT NULL,
  completed      bigint NOT NULL,
  cancelled      bigint NOT NULL,
  earnings_minor bigint NOT NULL,
  ratings        bigint NOT NULL,
  stars          bigint NOT NULL,
  PRIMARY KEY (grain, currency, starts_on, technician_id)
);
CREATE INDEX analytics_technicians_one ON analytics_technicians (technician_id, grain, starts_on);
CREATE TABLE analytics_services (
  grain         text NOT NULL CHECK (grain IN ('day', 'month')),
  starts_on     date NOT NULL,
  service_id    uuid NOT NULL,
  currency      char(3) NOT NULL,
  bookings      bigint NOT NULL,
  revenue_minor bigint NOT NULL,
  ratings       bigint NOT NULL,
  stars         bigint NOT NULL,
  PRIMARY KEY (grain, currency, starts_on, service_id)
);

-- Revenue is what was captured online, plus the cash of completed jobs, minus refunds: of each journal the line in which
-- the customer's money came in or went out. A booking is paid once: by its capture (a second one on the same order is a
-- surplus, not prepaid) or by its cash.
-- What was paid out of a wallet is no new money, so what of it goes back is none that was lost.
CREATE FUNCTION uuid_of(given text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN given::uuid END
$$;
CREATE FUNCTION analytics_money(from_at timestamptz, to_at timestamptz)
RETURNS TABLE (at timestamptz, currency char(3), revenue_minor bigint, paid int) LANGUAGE sql STABLE AS $$
  SELECT j.at, p.currency,
    -sum(CASE WHEN CASE j.kind WHEN 'capture' THEN a.type = 'gateway_clearing' WHEN 'completion' THEN a.type = 'cash_in_hand'
      ELSE a.type IN ('refund_clearing', 'wallet') END THEN p.amount_minor ELSE 0 END)::bigint,
    max(CASE j.kind WHEN 'capture' THEN (a.type = 'prepaid')::int WHEN 'completion' THEN (a.type = 'cash_in_hand')::int
      ELSE 0 END)
  FROM ledger_journals j JOIN ledger_postings p ON p.journal_id = j.id JOIN ledger_accounts a ON a.id = p.account_id
    LEFT JOIN refunds f ON j.kind IN ('refund', 'refund_failed') AND f.id = uuid_of(j.reference)
    LEFT JOIN payments y ON y.id = f.payment_id
  WHERE j.kind IN ('capture', 'completion', 'refund', 'refund_failed') AND j.at >= from_at AND j.at < to_at
    AND y.kind IS DISTINCT FROM 'wallet'
  GROUP BY j.id, j.at, p.currency
$$;

-- A technician's jobs by their end, earnings when they were earned, stars when they were given.
CREATE FUNCTION analytics_jobs(from_at timestamptz, to_at timestamptz)
RETURNS TABLE (at timestamptz, technician_id uuid, currency char(3), completed int, cancelled int, earnings_minor bigint,
  ratings int, stars int) LANGUAGE sql STABLE AS $$
  SELECT s.completed_at, s.technician_id, b.currency, 1, 0, 0::bigint, 0, 0
  FROM assignments s JOIN bookings b ON b.id = s.booking_id
  WHERE s.state = 'completed' AND s.completed_at >= from_at AND s.completed_at < to_at
  UNION ALL
  SELECT s.cancelled_at, s.technician_id, b.currency, 0, 1, 0, 0, 0
  FROM assignments s JOIN bookings b ON b.id = s.booking_id
  WHERE s.state = 'cancelled' AND s.cancelled_at >= from_at AND s.cancelled_at < to_at
  UNION ALL
  SELECT e.created_at, e.technician_id, e.currency, 0, 0, e.earning_minor, 0, 0
  FROM earnings e WHERE e.status <> 'cancelled' AND e.created_at >= from_at AND e.created_at < to_at
  UNION ALL
  SELECT b.rated_at, b.technician_id, b.currency, 0, 0, 0, 1, b.rating
  FROM bookings b WHERE b.technician_id IS NOT NULL AND b.rated_at >= from_at AND b.rated_at < to_at
$$;

-- A service's bookings when they were made, its price when the job was done, stars when they were given.
CREATE FUNCTION analytics_sales(from_at timestamptz, to_at timestamptz)
RETURNS TABLE (at timestamptz, service_id uuid, currency char(3), bookings int, revenue_minor bigint, ratings int, stars int)
LANGUAGE sql STABLE AS $$
  SELECT b.created_at, i.service_id, b.currency, 1, 0::bigint, 0, 0
  FROM bookings b JOIN booking_items i ON i.booking_id = b.id WHERE b.created_at >= from_at AND b.created_at < to_at
  UNION ALL
  SELECT s.completed_at, i.service_id, b.currency, 0, i.price_minor * i.quantity, 0, 0
  FROM assignments s JOIN bookings b ON b.id = s.booking_id JOIN booking_items i ON i.booking_id = b.id
  WHERE s.state = 'completed' AND s.completed_at >= from_at AND s.completed_at < to_at
  UNION ALL
  SELECT b.rated_at, i.service_id, b.currency, 0, 0, 1, b.rating
  FROM bookings b JOIN booking_items i ON i.booking_id = b.id WHERE b.rated_at >= from_at AND b.rated_at < to_at
$$;
