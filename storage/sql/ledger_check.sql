-- name: crooked_journals
SELECT journal_id::text AS subject, currency, sum(amount_minor)::bigint AS found_minor, 0::bigint AS expected_minor
FROM ledger_postings GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0;

-- name: empty_journals
SELECT j.id::text AS subject, '' AS currency, 0::bigint AS found_minor, 0::bigint AS expected_minor
FROM ledger_journals j WHERE NOT EXISTS (SELECT 1 FROM ledger_postings p WHERE p.journal_id = j.id);

-- name: stale_balances
SELECT l.id::text AS subject, l.currency, l.balance_minor AS found_minor, coalesce(sum(p.amount_minor), 0)::bigint AS expected_minor
FROM ledger_accounts l LEFT JOIN ledger_postings p ON p.account_id = l.id
WHERE l.owner_kind <> 'platform'
GROUP BY l.id HAVING l.balance_minor <> coalesce(sum(p.amount_minor), 0);

-- name: payables
-- What we owe a payee is what they have earned and no payout has claimed, less what payouts took besides earnings.
WITH owed AS (
  SELECT payee_id, currency, sum(minor) AS total FROM (
    SELECT payee_id, currency, earning_minor - claimed_minor AS minor FROM earnings WHERE status <> 'cancelled'
    UNION ALL
    -- What providers asked for and were paid, less what of it goes back.
    SELECT p.payee_id, p.currency, p.captured_minor - p.refunded_minor FROM payments p
    WHERE p.payee_id IS NOT NULL AND p.captured_minor > 0 AND p.surplus_of IS NULL
    UNION ALL
    -- Of that they did not give what they did not have any more.
    SELECT p.payee_id, r.currency, r.uncovered_minor FROM refunds r JOIN payments p ON p.id = r.payment_id
    WHERE r.uncovered_minor > 0 AND r.status <> 'failed'
    UNION ALL
    -- Bills of the platform come out of the wallet; what was paid at the page of one that was closed goes into it.
    SELECT provider_id, currency, surplus_minor - CASE WHEN paid_by = 'wallet' THEN amount_minor ELSE 0 END FROM platform_bills
    UNION ALL
    SELECT o.party_id, o.currency, coalesce((SELECT sum(p.amount_minor) FROM payout_parts p WHERE p.payout_id = o.id), 0) - o.total_minor
    FROM payouts o WHERE o.status <> 'failed') m
  GROUP BY payee_id, currency
), held AS (
  SELECT owner_id, currency, balance_minor FROM ledger_accounts WHERE owner_kind = 'party' AND type = 'payable'
)
SELECT coalesce(o.payee_id, h.owner_id)::text AS subject, coalesce(o.currency, h.currency)::text AS currency,
  coalesce(h.balance_minor, 0)::bigint AS found_minor, coalesce(o.total, 0)::bigint AS expected_minor
FROM owed o FULL JOIN held h ON h.owner_id = o.payee_id AND h.currency = o.currency
WHERE coalesce(h.balance_minor, 0) <> coalesce(o.total, 0);

-- name: payout_parts
-- What an earning says of payouts is what payouts took of it: claimed by those that stand, paid by those that are done.
SELECT e.id::text AS subject, e.currency::text AS currency, e.claimed_minor + e.paid_minor AS found_minor,
  coalesce(sum(p.amount_minor) FILTER (WHERE o.status <> 'failed'), 0)::bigint
    + coalesce(sum(p.amount_minor) FILTER (WHERE o.status = 'completed'), 0)::bigint AS expected_minor
FROM earnings e LEFT JOIN payout_parts p ON p.earning_id = e.id LEFT JOIN payouts o ON o.id = p.payout_id
GROUP BY e.id
HAVING e.claimed_minor <> coalesce(sum(p.amount_minor) FILTER (WHERE o.status <> 'failed'), 0)
  OR e.paid_minor <> coalesce(sum(p.amount_minor) FILTER (WHERE o.status = 'completed'), 0);

-- name: cash
-- The cash that payees hold is what was collected at the door, no payout has netted and they have not handed in.
WITH collected AS (
  SELECT e.payee_id AS party_id, p.currency, sum(p.amount_minor) AS total
  FROM payments p JOIN earnings e ON e.booking_id = p.booking_id
  WHERE p.kind = 'cash' AND p.captured_minor > 0 GROUP BY e.payee_id, p.currency
), netted AS (
  SELECT party_id, currency, sum(cash_offset_minor) AS total FROM payouts WHERE status <> 'failed' GROUP BY party_id, currency
), handed_in AS (
  SELECT owner_id AS party_id, currency, sum(amount_minor) AS total FROM settlements
  WHERE kind = 'cash_handed_in' AND reversed_at IS NULL GROUP BY owner_id, currency
), expected AS (
  SELECT c.party_id, c.currency, c.total - coalesce(n.total, 0) - coalesce(h.total, 0) AS total
  FROM collected c LEFT JOIN netted n ON n.party_id = c.party_id AND n.currency = c.currency
  LEFT JOIN handed_in h ON h.party_id = c.party_id AND h.currency = c.currency
), held AS (
  SELECT owner_id, currency, -balance_minor AS total FROM ledger_accounts WHERE owner_kind = 'party' AND type = 'cash_in_hand'
)
SELECT coalesce(e.party_id, h.owner_id)::text AS subject, coalesce(e.currency, h.currency)::text AS currency,
  coalesce(h.total, 0)::bigint AS found_minor, coalesce(e.total, 0)::bigint AS expected_minor
FROM expected e FULL JOIN held h ON h.owner_id = e.party_id AND h.currency = e.currency
WHERE coalesce(h.total, 0) <> coalesce(e.total, 0);

-- name: platform_accounts
-- Each of the platform's accounts against the rows that it stands for.
WITH sums AS (
  SELECT l.type, l.currency, sum(p.amount_minor) AS total
  FROM ledger_accounts l JOIN ledger_postings p ON p.account_id = l.id
  WHERE l.owner_kind = 'platform' GROUP BY l.type, l.currency
), expected AS (
  SELECT 'tax_payable' AS type, currency, sum(total) AS total FROM (
    SELECT currency, tax_minor AS total FROM earnings
    UNION ALL
    SELECT currency, tax_minor FROM trade_orders WHERE booking_id IS NULL AND status = 'DELIVERED') t
  GROUP BY currency
  UNION ALL
  SELECT 'platform_revenue', currency, sum(total) FROM (
    SELECT currency, platform_minor AS total FROM earnings
    UNION ALL
    SELECT currency, total_minor - tax_minor FROM trade_orders WHERE booking_id IS NULL AND status = 'DELIVERED') r
  GROUP BY currency
  UNION ALL
  SELECT 'payout_clearing', currency, sum(net_minor) FROM payouts WHERE status IN ('pending', 'processing') GROUP BY currency
  UNION ALL
  -- What has left, less what trade partners, organisations, apps and technicians have paid.
  SELECT 'bank', currency, sum(total) FROM (
    SELECT currency, net_minor AS total FROM payouts WHERE status = 'completed'
    UNION ALL
    SELECT currency, -CASE status WHEN 'CANCELLED' THEN fee_minor ELSE total_minor END FROM trade_orders
    WHERE paid_at IS NOT NULL
    UNION ALL
    SELECT currency, -amount_minor FROM invoice_payments WHERE status = 'success' AND method = 'bank_transfer'
    UNION ALL
    SELECT currency, -amount_minor FROM integration_payments WHERE reversed_at IS NULL
    UNION ALL
    SELECT currency, CASE kind WHEN 'wallet_paid_out' THEN amount_minor ELSE -amount_minor END FROM settlements
    WHERE kind <> 'fees_waived' AND reversed_at IS NULL) b
  GROUP BY currency
  UNION ALL
  SELECT 'adjustments', currency, sum(deduction_minor) FROM payouts WHERE status <> 'failed' GROUP BY currency
  UNION ALL
  SELECT 'refund_clearing', currency, sum(amount_minor) FROM refunds WHERE status = 'processing' AND NOT to_wallet
  GROUP BY currency
  UNION ALL
  -- What failed after a booking was cancelled, less what was sent again since.
  SELECT 'refund_owed', currency, sum(total) FROM (
    SELECT currency, sum(prepaid_minor) AS total FROM refunds WHERE returned_to = 'refund_owed' GROUP BY currency
    UNION ALL
    SELECT currency, -sum(owed_minor) FROM refunds WHERE status <> 'failed' GROUP BY currency) o
  GROUP BY currency
  UNION ALL
  SELECT 'gateway_clearing', currency, sum(total) FROM (
    SELECT currency, -sum(captured_minor) AS total FROM payments WHERE kind = 'online' GROUP BY currency
    UNION ALL
    SELECT currency, sum(amount_minor) FROM refunds WHERE status = 'processed' AND NOT to_wallet GROUP BY currency
    UNION ALL
    SELECT currency, -sum(amount_minor) FROM invoice_payments WHERE status = 'success' AND method = 'online' GROUP BY currency
    UNION ALL
    SELECT currency, -sum(surplus_minor + CASE WHEN paid_by = 'link' THEN amount_minor ELSE 0 END) FROM platform_bills GROUP BY currency
    UNION ALL
    SELECT currency, -total FROM sums WHERE type = 'gateway_fees') g
  GROUP BY currency
  UNION ALL
  SELECT 'plan_revenue', currency, sum(amount_minor) FROM platform_bills WHERE status = 'paid' GROUP BY currency
  UNION ALL
  SELECT 'surplus', currency, sum(captured_minor - refunded_minor) FROM payments WHERE surplus_of IS NOT NULL GROUP BY currency
)
SELECT coalesce(s.type, e.type) AS subject, coalesce(s.currency, e.currency)::text AS currency,
  coalesce(s.total, 0)::bigint AS found_minor, coalesce(e.total, 0)::bigint AS expected_minor
FROM sums s FULL JOIN expected e ON e.type = s.type AND e.currency = s.currency
WHERE coalesce(s.total, 0) <> coalesce(e.total, 0)
  AND coalesce(s.type, e.type) IN ('tax_payable', 'platform_revenue', 'payout_clearing', 'bank', 'adjustments',
    'refund_clearing', 'refund_owed', 'gateway_clearing', 'plan_revenue', 'surplus');

-- part: differing
-- Parties of which the ledger holds another sum (`held`) than the rows say (`owed`).
SELECT coalesce(o.party_id, h.owner_id)::text AS subject, coalesce(o.currency, h.currency)::text AS currency,
  coalesce(h.total, 0)::bigint AS found_minor, coalesce(o.total, 0)::bigint AS expected_minor
FROM owed o FULL JOIN held h ON h.owner_id = o.party_id AND h.currency = o.currency
WHERE coalesce(h.total, 0) <> coalesce(o.total, 0)

-- name: trade_debts
-- What a trade partner owes is what was delivered to it, and the fees of what it cancelled, less what it has paid.
WITH owed AS (
  SELECT t.party_id, o.currency, sum(CASE o.status WHEN 'CANCELLED' THEN o.fee_minor ELSE o.total_minor END) AS total
  FROM trade_orders o JOIN trade_partners t ON t.no = o.partner_no
  WHERE o.paid_at IS NULL AND o.status <> 'CONFIRMED' GROUP BY t.party_id, o.currency
), held AS (
  SELECT l.owner_id, l.currency, -l.balance_minor AS total FROM ledger_accounts l JOIN trade_partners t ON t.party_id = l.owner_id
  WHERE l.owner_kind = 'party' AND l.type = 'receivable'
)
{differing};

-- name: organisation_debts
-- What an organisation owes is what it booked on account, and the fees of what it cancelled, less what its payments were for.
WITH owed AS (
  SELECT party_id, currency, sum(total) AS total FROM (
    SELECT b.billed_to AS party_id, b.currency,
      CASE b.status WHEN 'completed' THEN b.grand_total_minor ELSE coalesce(b.cancellation_fee_minor, 0) END AS total
    FROM bookings b JOIN organisations o ON o.id = b.billed_to
    WHERE b.payment_method = 'account' AND b.status IN ('completed', 'cancelled')
    UNION ALL
    SELECT organisation_id, currency, -applied_minor FROM invoice_payments WHERE status = 'success') o
  GROUP BY party_id, currency
), held AS (
  SELECT l.owner_id, l.currency, -l.balance_minor AS total FROM ledger_accounts l JOIN organisations o ON o.id = l.owner_id
  WHERE l.owner_kind = 'party' AND l.type = 'receivable'
)
{differing};

-- name: integration_debts
-- What an app owes, less what it has as credit, is what its customers booked on account, and the fees of what they
-- cancelled, less what it has paid.
WITH owed AS (
  SELECT party_id, currency, sum(total) AS total FROM (
    SELECT b.billed_to AS party_id, b.currency,
      CASE b.status WHEN 'completed' THEN b.grand_total_minor ELSE coalesce(b.cancellation_fee_minor, 0) END AS total
    FROM bookings b JOIN integrations i ON i.id = b.billed_to
    WHERE b.payment_method = 'account' AND b.status IN ('completed', 'cancelled')
    UNION ALL
    SELECT integration_id, currency, -amount_minor FROM integration_payments WHERE reversed_at IS NULL) o
  GROUP BY party_id, currency
), held AS (
  SELECT l.owner_id, l.currency, -sum(l.balance_minor) AS total FROM ledger_accounts l JOIN integrations i ON i.id = l.owner_id
  WHERE l.owner_kind = 'party' AND l.type IN ('receivable', 'wallet') GROUP BY l.owner_id, l.currency
)
{differing};

-- name: invoice_totals
-- An invoice comes to what stands on it: the price of what was done, the fee of what was cancelled.
SELECT i.id::text AS subject, i.currency::text AS currency, i.total_minor AS found_minor,
  coalesce(sum(CASE b.status WHEN 'cancelled' THEN b.cancellation_fee_minor ELSE b.grand_total_minor END), 0)::bigint AS expected_minor
FROM invoices i LEFT JOIN bookings b ON b.invoice_id = i.id
GROUP BY i.id HAVING i.total_minor
  <> coalesce(sum(CASE b.status WHEN 'cancelled' THEN b.cancellation_fee_minor ELSE b.grand_total_minor END), 0);

-- name: organisation_credit
-- What an organisation has as credit is what its payments were more than needed, less what of it has paid invoices since.
WITH owed AS (
  SELECT organisation_id, currency,
    sum(CASE method WHEN 'credit' THEN -amount_minor ELSE amount_minor - applied_minor END) AS total
  FROM invoice_payments WHERE status = 'success' GROUP BY organisation_id, currency
), held AS (
  SELECT l.owner_id, l.currency, l.balance_minor AS total FROM ledger_accounts l JOIN organisations o ON o.id = l.owner_id
  WHERE l.owner_kind = 'party' AND l.type = 'wallet'
)
SELECT coalesce(o.organisation_id, h.owner_id)::text AS subject, coalesce(o.currency, h.currency)::text AS currency,
  coalesce(h.total, 0)::bigint AS found_minor, coalesce(o.total, 0)::bigint AS expected_minor
FROM owed o FULL JOIN held h ON h.owner_id = o.organisation_id AND h.currency = o.currency
WHERE coalesce(h.total, 0) <> coalesce(o.total, 0);

-- name: trade_credit
-- The credit that is used is what the orders take of it.
SELECT t.code AS subject, '' AS currency, t.credit_used_minor AS found_minor, coalesce(sum(o.credit_minor), 0)::bigint AS expected_minor
FROM trade_partners t LEFT JOIN trade_orders o ON o.partner_no = t.no
GROUP BY t.party_id HAVING t.credit_used_minor <> coalesce(sum(o.credit_minor), 0);

-- name: held_money
-- Money held for bookings: all of it while they are open, none of it when they are over.
WITH held AS (
  SELECT j.booking_id, p.currency, sum(p.amount_minor) AS total
  FROM ledger_journals j JOIN ledger_postings p ON p.journal_id = j.id JOIN ledger_accounts l ON l.id = p.account_id
  WHERE l.type = 'prepaid' GROUP BY j.booking_id, p.currency
), expected AS (
  SELECT b.id AS booking_id, b.currency, CASE
    WHEN b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress') THEN coalesce((
      SELECT sum(p.captured_minor - p.dues_minor) FROM payments p
      WHERE p.booking_id = b.id AND p.captured_minor > 0 AND p.surplus_of IS NULL), 0) - coalesce((
      SELECT sum(r.prepaid_minor) FROM refunds r JOIN payments p ON p.id = r.payment_id
      WHERE r.booking_id = b.id AND r.status <> 'failed' AND p.surplus_of IS NULL), 0)
    ELSE 0 END AS total
  FROM bookings b JOIN held h ON h.booking_id = b.id
)
SELECT h.booking_id::text AS subject, h.currency::text AS currency, h.total::bigint AS found_minor, e.total::bigint AS expected_minor
FROM held h LEFT JOIN expected e ON e.booking_id = h.booking_id
WHERE h.total < 0 OR h.total <> e.total;

-- name: refund_losses
-- What refunds cost the platform: of a done booking all of them, of another one what was not held for it any more.
WITH posted AS (
  SELECT j.booking_id, sum(p.amount_minor) AS total
  FROM ledger_journals j JOIN ledger_postings p ON p.journal_id = j.id JOIN ledger_accounts l ON l.id = p.account_id
  WHERE l.type = 'refunds' AND j.booking_id IS NOT NULL GROUP BY j.booking_id
), expected AS (
  SELECT r.booking_id, -sum(CASE WHEN EXISTS (SELECT 1 FROM earnings e WHERE e.booking_id = r.booking_id)
    THEN r.amount_minor ELSE r.amount_minor - r.prepaid_minor - r.owed_minor END) AS total
  FROM refunds r JOIN payments p ON p.id = r.payment_id
  WHERE r.status <> 'failed' AND p.surplus_of IS NULL AND r.booking_id IS NOT NULL GROUP BY r.booking_id
)
SELECT b.id::text AS subject, b.currency::text AS currency, coalesce(p.total, 0)::bigint AS found_minor,
  coalesce(e.total, 0)::bigint AS expected_minor
FROM posted p FULL JOIN expected e ON e.booking_id = p.booking_id JOIN bookings b ON b.id = coalesce(p.booking_id, e.booking_id)
WHERE coalesce(p.total, 0) <> coalesce(e.total, 0);

-- name: collected
-- A done booking was paid once: at the door exactly what the wallet had left, otherwise never more than its price.
SELECT b.id::text AS subject, b.currency::text AS currency,
  coalesce(sum(p.captured_minor - p.dues_minor), 0)::bigint AS found_minor, b.grand_total_minor AS expected_minor
FROM bookings b JOIN earnings e ON e.booking_id = b.id
LEFT JOIN payments p ON p.booking_id = b.id AND p.captured_minor > 0 AND p.surplus_of IS NULL
GROUP BY b.id
HAVING coalesce(sum(p.captured_minor - p.dues_minor), 0) > b.grand_total_minor
  OR (b.payment_method = 'cash' AND coalesce(sum(p.captured_minor - p.dues_minor), 0) < b.grand_total_minor);

-- name: shown_amounts
-- What stands on a booking beside its price is what its payments ask for (compared column by column, shown as sums).
SELECT b.id::text AS subject, b.currency::text AS currency,
  b.wallet_minor + b.outstanding_fee_minor + b.to_collect_minor + b.collected_minor AS found_minor,
  a.wallet_minor + a.outstanding_fee_minor + a.to_collect_minor + a.collected_minor AS expected_minor
FROM bookings b, asked_of(b.id) a
WHERE (b.wallet_minor, b.outstanding_fee_minor, b.to_collect_minor, b.collected_minor)
  IS DISTINCT FROM (a.wallet_minor, a.outstanding_fee_minor, a.to_collect_minor, a.collected_minor);

-- name: refund_reserves
-- What a payment has promised back is the sum of its living refunds.
SELECT p.id::text AS subject, p.currency::text AS currency, p.refunded_minor AS found_minor,
  coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed'), 0)::bigint AS expected_minor
FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
GROUP BY p.id HAVING p.refunded_minor <> coalesce(sum(r.amount_minor) FILTER (WHERE r.status <> 'failed'), 0);

-- name: unearned
-- Every done booking has its earning, and the earning its journal.
SELECT b.id::text AS subject, b.currency::text AS currency, 0::bigint AS found_minor, b.grand_total_minor AS expected_minor
FROM bookings b LEFT JOIN earnings e ON e.booking_id = b.id
WHERE b.status = 'completed' AND b.grand_total_minor > 0
  AND (e.id IS NULL OR NOT EXISTS (SELECT 1 FROM ledger_journals j WHERE j.kind = 'completion' AND j.reference = b.id::text));

-- name: counts
SELECT (SELECT count(*) FROM ledger_journals) AS journals, (SELECT count(*) FROM ledger_postings) AS postings,
  (SELECT count(*) FROM ledger_accounts) AS accounts;
