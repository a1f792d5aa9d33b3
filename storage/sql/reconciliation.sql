-- name: lock
-- Held only while a run is claimed; the run's own row, with its lease, keeps others out after that.
SELECT pg_try_advisory_xact_lock(:lock);

-- name: claim
INSERT INTO reconciliation_runs AS r (day, state) VALUES (:day, 'running')
ON CONFLICT (day) DO UPDATE SET state = 'running', started_at = clock_timestamp(), finished_at = NULL, error = NULL
WHERE r.state <> 'running' OR r.started_at < clock_timestamp() - make_interval(secs => :lease_s)
RETURNING day;

-- name: finish
UPDATE reconciliation_runs SET state = :state, payments_there = :payments_there, payments_here = :payments_here,
  refunds_there = :refunds_there, refunds_here = :refunds_here, error = :error, finished_at = clock_timestamp()
WHERE day = :day AND state = 'running';

-- name: get
SELECT day, state, payments_there, payments_here, refunds_there, refunds_here, error, started_at, finished_at
FROM reconciliation_runs WHERE day = :day;

-- name: not_done
-- The days up to yesterday, since the first that was ever compared, of which no run after their end came to its own end,
-- the newest first: an old one that cannot be compared any more stands in nobody's way.
SELECT d::date AS day
FROM generate_series(
  greatest(:yesterday::date - :back::int, least(:yesterday::date, (SELECT min(r.day) FROM reconciliation_runs r))),
  :yesterday::date, interval '1 day') d
WHERE NOT EXISTS (SELECT FROM reconciliation_runs r WHERE r.day = d::date AND r.state = 'done'
  AND r.started_at >= (r.day + 1)::timestamp AT TIME ZONE :timezone)
  AND ((SELECT min(r.day) FROM reconciliation_runs r) IS NOT NULL OR d::date = :yesterday::date)
ORDER BY day DESC;

-- name: add_item
INSERT INTO reconciliation_items (day, entity, kind, gateway_id, local_id, here_minor, there_minor, here_status, there_status,
  resolution)
VALUES (:day, :entity, :kind, :gateway_id, :local_id, :here_minor, :there_minor, :here_status, :there_status, :resolution)
ON CONFLICT DO NOTHING;

-- name: close_gone
-- What was open and is no longer found has been put right since.
UPDATE reconciliation_items SET resolution = 'repaired'
WHERE day = :day AND resolution = 'open'
  AND NOT (entity || ' ' || kind || ' ' || coalesce(gateway_id, '') = ANY(:still_open::text[]));

-- name: items
SELECT entity, kind, gateway_id, local_id, here_minor, there_minor, here_status, there_status, resolution
FROM reconciliation_items WHERE day = :day ORDER BY id;

-- name: payments_known
SELECT id, gateway_payment_id AS gateway_id, captured_minor AS amount_minor, currency, status FROM payments
WHERE gateway_payment_id = ANY(:ids::text[])
UNION ALL
SELECT reference, gateway_payment_id, amount_minor, currency, 'success' FROM page_payments
WHERE gateway_payment_id = ANY(:ids::text[]);

-- name: payments_captured
SELECT id, gateway_payment_id AS gateway_id, captured_minor AS amount_minor, currency, status FROM payments
WHERE kind = 'online' AND captured_at >= :from_at AND captured_at < :to_at AND gateway_payment_id IS NOT NULL
UNION ALL
SELECT reference, gateway_payment_id, amount_minor, currency, 'success' FROM page_payments
WHERE captured_at >= :from_at AND captured_at < :to_at;

-- name: refunds_known
SELECT id, gateway_refund_id AS gateway_id, amount_minor, currency, status FROM refunds
WHERE gateway_refund_id = ANY(:ids::text[]);

-- name: refunds_made
SELECT id, gateway_refund_id AS gateway_id, amount_minor, currency, status FROM refunds
WHERE created_at >= :from_at AND created_at < :to_at AND gateway_refund_id IS NOT NULL
  -- What a dispute took is on no list of refunds.
  AND gateway_refund_id NOT LIKE 'disp\_%';

-- name: post_fees
-- What the gateway kept of each payment, once per payment; both accounts exist.
WITH given AS (
  SELECT * FROM unnest(:ids::text[], :fees::bigint[], :currencies::text[]) AS g (payment_id, fee_minor, currency)
  WHERE fee_minor > 0
    AND (EXISTS (SELECT 1 FROM payments p WHERE p.gateway_payment_id = g.payment_id AND p.captured_minor > 0)
      OR EXISTS (SELECT 1 FROM page_payments p WHERE p.gateway_payment_id = g.payment_id))
), opened AS (
  INSERT INTO ledger_journals (kind, reference, description)
  SELECT 'gateway_fee', payment_id, 'What the gateway kept' FROM given ORDER BY payment_id
  ON CONFLICT ON CONSTRAINT ledger_journals_once DO NOTHING
  RETURNING id, reference
)
INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)
SELECT o.id, l.id, l.currency, CASE l.type WHEN 'gateway_fees' THEN -g.fee_minor ELSE g.fee_minor END
FROM opened o JOIN given g ON g.payment_id = o.reference
JOIN ledger_accounts l ON l.owner_kind = 'platform' AND l.currency = g.currency AND l.type IN ('gateway_fees', 'gateway_clearing');
