-- name: insert
INSERT INTO payouts (number, party_id, currency, total_minor, deduction_minor, cash_offset_minor, net_minor, method,
  bank_account_id, requested_by, earning_ids, notes, is_request, needs_review)
VALUES (:number, :party_id, :currency, :total_minor, :deduction_minor, :cash_offset_minor, :net_minor, :method,
  (SELECT id FROM bank_accounts WHERE party_id = :party_id AND is_default), :requested_by, :earning_ids, :notes,
  :is_request, :needs_review)
RETURNING id;

-- name: insert_parts
-- What it takes of which earning.
INSERT INTO payout_parts (payout_id, earning_id, amount_minor)
SELECT :payout_id, p.earning_id, p.amount_minor FROM unnest(:earning_ids::uuid[], :amounts::bigint[]) AS p (earning_id, amount_minor);

-- part: columns
o.id, o.number, o.party_id, p.name AS party_name, p.code AS party_code, p.kind AS party_kind, o.currency, o.total_minor,
  o.deduction_minor, o.cash_offset_minor, o.net_minor, o.method, o.status, o.bank_account_id, o.bank_transaction_id,
  o.upi_transaction_id, o.gateway_payout_id, o.failure_reason, o.notes, o.requested_by, o.earning_ids, o.processed_at,
  o.is_request, o.needs_review, o.reviewed_by, o.reviewed_at, o.created_at, o.updated_at

-- part: source
payouts o JOIN parties p ON p.id = o.party_id

-- part: of_party
FROM payouts o WHERE o.party_id = :party_id

-- part: everybodys
FROM payouts o WHERE true

-- part: requests
FROM payouts o JOIN parties p ON p.id = o.party_id WHERE o.is_request

-- name: open_request
SELECT {columns} FROM {source}
WHERE o.party_id = :party_id AND o.currency = :currency AND o.net_minor = :net_minor AND o.is_request
  AND o.status IN ('pending', 'processing');

-- name: readdress
-- What waits for a review goes to another account than it was made for: no row where it does not.
UPDATE payouts o SET bank_account_id = a.id, updated_at = app_now() FROM bank_accounts a
WHERE o.id = :payout_id AND o.needs_review AND o.status = 'pending' AND a.party_id = o.party_id AND a.is_default
  AND a.id IS DISTINCT FROM o.bank_account_id;

-- name: reviewed
UPDATE payouts SET needs_review = false, reviewed_by = :reviewed_by, reviewed_at = app_now(), updated_at = app_now()
WHERE id = :payout_id AND needs_review AND status = 'pending';

-- name: sums_of_party
SELECT count(*) AS payouts, coalesce(sum(o.net_minor) FILTER (WHERE o.currency = :currency AND o.status <> 'failed'), 0)::bigint AS amount_minor
FROM payouts o WHERE o.party_id = :party_id
  AND (:from_at::timestamptz IS NULL OR o.created_at >= :from_at) AND (:to_at::timestamptz IS NULL OR o.created_at < :to_at);

-- name: get
SELECT {columns} FROM {source} WHERE o.id = :payout_id;

-- name: lock
SELECT {columns} FROM {source} WHERE o.id = :payout_id FOR UPDATE OF o;

-- name: start
-- It goes to the account that is on file now: whoever has changed theirs was told that payouts go there from then on.
UPDATE payouts o SET status = 'processing', updated_at = app_now(), bank_account_id = coalesce(
  (SELECT a.id FROM bank_accounts a WHERE a.party_id = o.party_id AND a.is_default), o.bank_account_id)
WHERE o.id = :payout_id AND o.status = 'pending' AND NOT o.needs_review;

-- name: sent
UPDATE payouts SET gateway_payout_id = :gateway_payout_id, updated_at = app_now(),
  poll_at = clock_timestamp() + make_interval(secs => :poll_s)
WHERE id = :payout_id AND status = 'processing';

-- name: complete
UPDATE payouts SET status = 'completed', needs_review = false, bank_transaction_id = coalesce(:bank_transaction_id, bank_transaction_id),
  upi_transaction_id = coalesce(:upi_transaction_id, upi_transaction_id), notes = coalesce(:notes, notes),
  -- Paid by hand: to the account that is on file.
  bank_account_id = CASE WHEN status = 'pending' AND bank_account_id IS NOT NULL THEN coalesce(
    (SELECT a.id FROM bank_accounts a WHERE a.party_id = payouts.party_id AND a.is_default), bank_account_id) ELSE bank_account_id END,
  processed_at = app_now(), poll_at = NULL, updated_at = app_now()
WHERE id = :payout_id AND status IN ('pending', 'processing');

-- name: fail
UPDATE payouts SET status = 'failed', needs_review = false, failure_reason = :failure_reason, processed_at = app_now(), poll_at = NULL, updated_at = app_now()
WHERE id = :payout_id AND status IN ('pending', 'processing');

-- name: came_back
UPDATE payouts SET status = 'failed', failure_reason = :failure_reason, poll_at = NULL, updated_at = app_now()
WHERE id = :payout_id AND status = 'completed';

-- name: find_by_gateway_id
SELECT id FROM payouts WHERE gateway_payout_id = :gateway_payout_id;

-- name: destination
-- Where the money of a payout goes.
SELECT p.id AS party_id, p.name, p.code, a.id AS bank_account_id, a.account_name, a.number_enc, a.ifsc, a.fund_account_id
FROM payouts o JOIN parties p ON p.id = o.party_id LEFT JOIN bank_accounts a ON a.id = o.bank_account_id
WHERE o.id = :payout_id;

-- name: set_fund_account
UPDATE bank_accounts SET fund_account_id = :fund_account_id WHERE id = :bank_account_id AND fund_account_id IS NULL;
