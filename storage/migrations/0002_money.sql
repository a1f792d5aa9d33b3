-- Money: payments, intents, refunds, gateway events, the ledger, earnings, payouts, reconciliation.
-- A posting is positive when it credits its account (we owe more) and negative when it debits it (we have or spent more).

-- ---------------------------------------------------------------- ledger

-- The platform's own accounts have no owner and no cached balance, so that they never serialise writers.
CREATE TABLE ledger_accounts (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_kind    text NOT NULL CHECK (owner_kind IN ('platform', 'account', 'party')),
  owner_id      uuid,
  type          text NOT NULL CHECK (type IN (
                  'gateway_clearing', 'bank', 'prepaid', 'surplus', 'refund_clearing', 'payout_clearing', 'tax_payable',
                  'platform_revenue', 'fee_revenue', 'promo_expense', 'promo_funding', 'refunds', 'gateway_fees',
                  'adjustments', 'wallet', 'receivable', 'payable', 'cash_in_hand')),
  currency      char(3) NOT NULL,
  balance_minor bigint NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL DEFAULT app_now(),
  UNIQUE NULLS NOT DISTINCT (owner_kind, owner_id, type, currency),
  UNIQUE (id, currency),
  CHECK ((owner_kind = 'platform') = (owner_id IS NULL)),
  CHECK ((owner_kind = 'platform') = (type NOT IN ('wallet', 'receivable', 'payable', 'cash_in_hand'))),
  -- What we owe an owner never turns into a debt of theirs by itself, and the other way round.
  CONSTRAINT ledger_balance_sign CHECK (CASE
    WHEN type IN ('wallet', 'payable') THEN balance_minor >= 0
    WHEN type IN ('receivable', 'cash_in_hand') THEN balance_minor <= 0
    ELSE balance_minor = 0 END)
);
CREATE INDEX ledger_accounts_owner ON ledger_accounts (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE ledger_journals (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind        text NOT NULL,
  reference   text NOT NULL,
  booking_id  uuid REFERENCES bookings (id),
  description text,
  at          timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT ledger_journals_once UNIQUE (kind, reference)
);
CREATE INDEX ledger_journals_booking ON ledger_journals (booking_id) WHERE booking_id IS NOT NULL;

CREATE TABLE ledger_postings (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  journal_id   uuid NOT NULL REFERENCES ledger_journals (id),
  account_id   uuid NOT NULL,
  currency     char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  FOREIGN KEY (account_id, currency) REFERENCES ledger_accounts (id, currency)
);
CREATE INDEX ledger_postings_journal ON ledger_postings (journal_id);
CREATE INDEX ledger_postings_account ON ledger_postings (account_id, id DESC);

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the ledger only grows, corrections are reversals', TG_OP, TG_TABLE_NAME
    USING ERRCODE = '42501';
END $$;
CREATE TRIGGER ledger_postings_keep BEFORE UPDATE OR DELETE ON ledger_postings
  FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_postings_keep_all BEFORE TRUNCATE ON ledger_postings
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_journals_keep BEFORE UPDATE OR DELETE ON ledger_journals
  FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_journals_keep_all BEFORE TRUNCATE ON ledger_journals
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  journal uuid;
  lines int;
  crooked int;
BEGIN
  IF TG_TABLE_NAME = 'ledger_journals' THEN journal := NEW.id; ELSE journal := NEW.journal_id; END IF;
  SELECT count(*) INTO lines FROM ledger_postings WHERE journal_id = journal;
  SELECT count(*) INTO crooked FROM (
    SELECT 1 FROM ledger_postings WHERE journal_id = journal GROUP BY currency HAVING sum(amount_minor) <> 0) c;
  IF lines < 2 OR crooked > 0 THEN
    RAISE EXCEPTION 'journal % does not balance', journal USING ERRCODE = '23514', CONSTRAINT = 'ledger_balanced';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_postings
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances();
CREATE CONSTRAINT TRIGGER ledger_not_empty AFTER INSERT ON ledger_journals
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances();

-- The cache of an owner's balance moves with the posting itself, whoever inserts it.
CREATE FUNCTION ledger_carry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ledger_accounts SET balance_minor = balance_minor + NEW.amount_minor
  WHERE id = NEW.account_id AND owner_kind <> 'platform';
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_carry AFTER INSERT ON ledger_postings FOR EACH ROW EXECUTE FUNCTION ledger_carry();

-- ---------------------------------------------------------------- payments

-- The lattice of a payment: it only moves up. failed -> success is up, success -> failed would be down.
CREATE FUNCTION payment_rank(status text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE status WHEN 'created' THEN 0 WHEN 'pending' THEN 1 WHEN 'failed' THEN 2 WHEN 'success' THEN 3
                     WHEN 'partially_refunded' THEN 4 WHEN 'refunded' THEN 5 END $$;

CREATE TABLE payments (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id         uuid REFERENCES bookings (id),
  account_id         uuid NOT NULL REFERENCES accounts (id),
  kind               text NOT NULL CHECK (kind IN ('cash', 'online', 'wallet', 'account')),
  method             text,
  status             text NOT NULL DEFAULT 'created' CHECK (status IN
                       ('created', 'pending', 'success', 'failed', 'refunded', 'partially_refunded')),
  currency           char(3) NOT NULL,
  amount_minor       bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000),
  -- An earlier cancellation fee that this payment settles besides its booking.
  dues_minor         bigint NOT NULL DEFAULT 0 CHECK (dues_minor BETWEEN 0 AND amount_minor),
  captured_minor     bigint NOT NULL DEFAULT 0 CHECK (captured_minor IN (0, amount_minor)),
  refunded_minor     bigint NOT NULL DEFAULT 0,
  receipt            text NOT NULL UNIQUE,
  gateway_order_id   text UNIQUE,
  gateway_payment_id text UNIQUE,
  surplus_of         uuid REFERENCES payments (id),
  failure_reason     text,
  review_reason      text,
  expires_at         timestamptz,
  captured_at        timestamptz,
  -- When to ask the gateway what became of it, in real time: a webhook may be lost.
  poll_at            timestamptz,
  asked_from timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_at         timestamptz NOT NULL DEFAULT app_now(),
  updated_at         timestamptz NOT NULL DEFAULT app_now(),
  CONSTRAINT payments_never_over_refunded CHECK (refunded_minor BETWEEN 0 AND captured_minor),
  CHECK ((captured_minor > 0) = (status IN ('success', 'partially_refunded', 'refunded'))),
  CHECK ((captured_minor > 0) = (captured_at IS NOT NULL))
);
CREATE UNIQUE INDEX payments_one_capture ON payments (booking_id)
  WHERE captured_minor > 0 AND surplus_of IS NULL AND kind <> 'wallet';
CREATE UNIQUE INDEX payments_one_of_a_kind ON payments (booking_id, kind) WHERE surplus_of IS NULL;
CREATE INDEX payments_account ON payments (account_id, created_at DESC);
CREATE INDEX payments_poll ON payments (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX payments_captured ON payments (captured_at) WHERE kind = 'online' AND captured_at IS NOT NULL;

CREATE FUNCTION payments_only_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF payment_rank(NEW.status) < payment_rank(OLD.status) OR NEW.captured_minor < OLD.captured_minor THEN
    RAISE EXCEPTION 'payment % is % and does not go back to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = '23514', CONSTRAINT = 'payments_only_forward';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payments_only_forward BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION payments_only_forward();

-- `amount_minor` is reserved in payments.refunded_minor while the refund is processing or processed.
CREATE TABLE refunds (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  payment_id        uuid NOT NULL REFERENCES payments (id),
  booking_id        uuid REFERENCES bookings (id),
  amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
  -- How much of it came out of money not yet earned; the rest is an expense. A failure gives both back.
  prepaid_minor     bigint NOT NULL CHECK (prepaid_minor BETWEEN 0 AND amount_minor),
  currency          char(3) NOT NULL,
  to_wallet         boolean NOT NULL DEFAULT false,
  status            text NOT NULL DEFAULT 'processing' CHECK (status IN ('processing', 'processed', 'failed')),
  gateway_refund_id text UNIQUE,
  reason            text NOT NULL,
  notes             text,
  requested_by      text NOT NULL,
  failure_reason    text,
  poll_at           timestamptz,
  asked_from timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_at        timestamptz NOT NULL DEFAULT app_now(),
  settled_at        timestamptz,
  CHECK ((status = 'processing') = (settled_at IS NULL))
);
CREATE INDEX refunds_payment ON refunds (payment_id);
CREATE INDEX refunds_booking ON refunds (booking_id);
CREATE INDEX refunds_poll ON refunds (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX refunds_created ON refunds (created_at) WHERE gateway_refund_id IS NOT NULL;

-- ---------------------------------------------------------------- earnings and payouts

ALTER TABLE bank_accounts ADD COLUMN fund_account_id text;

CREATE TABLE payouts (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number              text NOT NULL UNIQUE,
  party_id            uuid NOT NULL REFERENCES parties (id),
  currency            char(3) NOT NULL,
  total_minor         bigint NOT NULL CHECK (total_minor > 0),
  deduction_minor     bigint NOT NULL DEFAULT 0 CHECK (deduction_minor >= 0),
  cash_offset_minor   bigint NOT NULL DEFAULT 0 CHECK (cash_offset_minor >= 0),
  net_minor           bigint NOT NULL CHECK (net_minor >= 0),
  method              text NOT NULL CHECK (method IN ('bank_transfer', 'upi')),
  status              text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  bank_account_id     uuid REFERENCES bank_accounts (id),
  bank_transaction_id text,
  upi_transaction_id  text,
  gateway_payout_id   text UNIQUE,
  failure_reason      text,
  notes               text,
  requested_by        text NOT NULL,
  earning_ids         uuid[] NOT NULL,
  processed_at        timestamptz,
  poll_at             timestamptz,
  asked_from timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_at          timestamptz NOT NULL DEFAULT app_now(),
  updated_at          timestamptz NOT NULL DEFAULT app_now(),
  CHECK (net_minor = total_minor - deduction_minor - cash_offset_minor),
  CHECK ((status = 'failed') = (failure_reason IS NOT NULL)),
  CONSTRAINT payouts_have_proof CHECK (status <> 'completed' OR net_minor = 0
    OR num_nonnulls(bank_transaction_id, upi_transaction_id, gateway_payout_id) > 0)
);
CREATE INDEX payouts_party ON payouts (party_id, created_at DESC);
CREATE INDEX payouts_poll ON payouts (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX payouts_status ON payouts (status, created_at DESC);

CREATE TABLE earnings (
  id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id           uuid NOT NULL UNIQUE REFERENCES bookings (id),
  assignment_id        uuid NOT NULL UNIQUE REFERENCES assignments (id),
  technician_id        uuid NOT NULL REFERENCES technicians (id),
  payee_id             uuid NOT NULL REFERENCES parties (id),
  technician_share_pct numeric(5, 2) NOT NULL CHECK (technician_share_pct BETWEEN 0 AND 100),
  currency             char(3) NOT NULL,
  booking_minor        bigint NOT NULL CHECK (booking_minor >= 0),
  tax_minor            bigint NOT NULL CHECK (tax_minor >= 0),
  earning_minor        bigint NOT NULL CHECK (earning_minor >= 0),
  -- What is left for the platform may be negative: a high share of a total that contains tax.
  platform_minor       bigint NOT NULL,
  payment_method       text NOT NULL,
  status               text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'cancelled')),
  payout_id            uuid REFERENCES payouts (id),
  created_at           timestamptz NOT NULL DEFAULT app_now(),
  paid_at              timestamptz,
  CONSTRAINT earnings_add_up CHECK (earning_minor + tax_minor + platform_minor = booking_minor),
  CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
  CHECK (status <> 'paid' OR payout_id IS NOT NULL)
);
CREATE INDEX earnings_payee ON earnings (payee_id, created_at DESC);
CREATE INDEX earnings_technician ON earnings (technician_id, created_at DESC);
CREATE INDEX earnings_payout ON earnings (payout_id) WHERE payout_id IS NOT NULL;

-- ---------------------------------------------------------------- what goes to the gateway, and what comes from it

-- Committed before the call. `running` carries a lease: whoever finds it over asks the gateway first.
CREATE TABLE payment_intents (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind            text NOT NULL CHECK (kind IN ('order', 'capture', 'refund', 'payout', 'link')),
  payment_id      uuid REFERENCES payments (id),
  refund_id       uuid UNIQUE REFERENCES refunds (id),
  payout_id       uuid UNIQUE REFERENCES payouts (id),
  -- A capture names the gateway's payment.
  gateway_ref     text,
  idempotency_key text NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 10 AND 64),
  state           text NOT NULL DEFAULT 'pending' CHECK (state IN
                    ('pending', 'running', 'done', 'failed', 'expired', 'manual_review')),
  attempts        int NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 4),
  next_try_at     timestamptz,
  error           text,
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (num_nonnulls(payment_id, refund_id, payout_id) = 1),
  CHECK ((state IN ('pending', 'running')) = (next_try_at IS NOT NULL))
);
CREATE INDEX payment_intents_due ON payment_intents (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE UNIQUE INDEX payment_intents_one_of_a_kind ON payment_intents (payment_id, kind) WHERE payment_id IS NOT NULL;

-- Only verified ones are kept: a forged body must not take the place of the real one.
CREATE TABLE gateway_events (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  event_id     text UNIQUE,
  body_sha256  bytea NOT NULL UNIQUE,
  natural_key  text UNIQUE,
  event_type   text NOT NULL,
  account      text,
  order_id     text,
  payment_id   text,
  payload      jsonb NOT NULL,
  signature    text NOT NULL,
  is_verified  boolean NOT NULL,
  is_processed boolean NOT NULL DEFAULT false,
  needs_review boolean NOT NULL DEFAULT false,
  error        text,
  retry_count  int NOT NULL DEFAULT 0 CHECK (retry_count BETWEEN 0 AND 3),
  next_try_at  timestamptz DEFAULT clock_timestamp(),
  sent_at      timestamptz,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  processed_at timestamptz,
  CHECK (is_processed = (processed_at IS NOT NULL)),
  CHECK ((is_processed OR needs_review) = (next_try_at IS NULL))
);
CREATE INDEX gateway_events_due ON gateway_events (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX gateway_events_payment ON gateway_events (payment_id);
CREATE INDEX gateway_events_review ON gateway_events (created_at) WHERE needs_review;

-- ---------------------------------------------------------------- reconciliation

CREATE TABLE reconciliation_runs (
  day             date PRIMARY KEY,
  state           text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  payments_there  int NOT NULL DEFAULT 0,
  payments_here   int NOT NULL DEFAULT 0,
  refunds_there   int NOT NULL DEFAULT 0,
  refunds_here    int NOT NULL DEFAULT 0,
  error           text,
  started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at     timestamptz
);

CREATE TABLE reconciliation_items (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day           date NOT NULL REFERENCES reconciliation_runs (day),
  entity        text NOT NULL CHECK (entity IN ('payment', 'refund')),
  kind          text NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'status')),
  gateway_id    text,
  local_id      uuid,
  here_minor    bigint,
  there_minor   bigint,
  here_status   text,
  there_status  text,
  resolution    text NOT NULL CHECK (resolution IN ('open', 'repaired')),
  found_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (day, entity, kind, gateway_id, local_id)
);
