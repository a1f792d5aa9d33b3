-- name: ensure_accounts
-- In the order of the key, so that two journals that both open accounts wait for each other and never deadlock.
INSERT INTO ledger_accounts (owner_kind, owner_id, type, currency)
SELECT a.owner_kind, a.owner_id, a.type, a.currency
FROM unnest(:owner_kinds::text[], :owner_ids::uuid[], :types::text[], :currencies::text[])
  AS a (owner_kind, owner_id, type, currency)
WHERE NOT EXISTS (SELECT 1 FROM ledger_accounts l WHERE l.owner_kind = a.owner_kind
  AND l.owner_id IS NOT DISTINCT FROM a.owner_id AND l.type = a.type AND l.currency = a.currency)
ORDER BY a.owner_kind, a.owner_id, a.type, a.currency
ON CONFLICT (owner_kind, owner_id, type, currency) DO NOTHING;

-- name: post
-- A journal with its lines; none at all: it was posted before. Sorted by account: the balances of owners are locked in that order
-- by every journal.
WITH journal AS (
  INSERT INTO ledger_journals (kind, reference, booking_id, description)
  VALUES (:kind, :reference, :booking_id, :description)
  ON CONFLICT ON CONSTRAINT ledger_journals_once DO NOTHING
  RETURNING id
)
INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)
SELECT j.id, l.id, l.currency, a.amount_minor
FROM journal j
CROSS JOIN unnest(:owner_kinds::text[], :owner_ids::uuid[], :types::text[], :currencies::text[], :amounts::bigint[])
  AS a (owner_kind, owner_id, type, currency, amount_minor)
JOIN ledger_accounts l ON l.owner_kind = a.owner_kind AND l.owner_id IS NOT DISTINCT FROM a.owner_id
  AND l.type = a.type AND l.currency = a.currency
ORDER BY l.id;

-- name: lock_owner
-- In the order in which the postings of a journal lock them.
SELECT id, owner_kind, owner_id, type, currency, balance_minor FROM ledger_accounts
WHERE owner_kind = :owner_kind AND owner_id = :owner_id AND currency = :currency ORDER BY id FOR UPDATE;

-- name: balance
SELECT balance_minor FROM ledger_accounts
WHERE owner_kind = :owner_kind AND owner_id = :owner_id AND type = :type AND currency = :currency;

-- name: accounts_of
SELECT id, owner_kind, owner_id, type, currency, balance_minor FROM ledger_accounts
WHERE owner_kind = :owner_kind AND owner_id = :owner_id ORDER BY type, currency;

-- name: booking_sum
-- What the journals of one booking left on one of the platform's accounts.
SELECT coalesce(sum(p.amount_minor), 0)::bigint AS amount_minor
FROM ledger_journals j JOIN ledger_postings p ON p.journal_id = j.id JOIN ledger_accounts l ON l.id = p.account_id
WHERE j.booking_id = :booking_id AND l.owner_kind = 'platform' AND l.type = :type;

-- part: entry
p.id, j.kind, j.reference, j.booking_id, b.number AS booking_number, j.description, p.amount_minor, p.currency, j.at

-- part: entries
ledger_postings p JOIN ledger_journals j ON j.id = p.journal_id LEFT JOIN bookings b ON b.id = j.booking_id

-- part: of_owner
-- One line of an owner's accounts of a type (one account per currency): a wallet's or a provider's transactions.
FROM ledger_postings p JOIN ledger_accounts l ON l.id = p.account_id
WHERE l.owner_kind = :owner_kind AND l.owner_id = :owner_id AND l.type = :type

-- part: debtor_entry
p.id, j.kind, j.reference, j.booking_id, b.number AS booking_number, j.description,
  (SELECT sum(q.amount_minor)::bigint FROM ledger_postings q JOIN ledger_accounts m ON m.id = q.account_id
   WHERE q.journal_id = p.journal_id AND q.currency = p.currency AND m.owner_kind = l.owner_kind AND m.owner_id = l.owner_id
     AND m.type IN ('receivable', 'wallet')) AS amount_minor,
  p.currency, j.at, CASE WHEN j.kind = 'completion' THEN b.payment_status END AS payment_status

-- part: debtor_entries
ledger_postings p JOIN ledger_journals j ON j.id = p.journal_id JOIN ledger_accounts l ON l.id = p.account_id
LEFT JOIN bookings b ON b.id = j.booking_id

-- part: of_debtor
-- What a party that is billed owes and has as credit, as one account: a journal that moved both is one line of it.
FROM ledger_postings p JOIN ledger_accounts l ON l.id = p.account_id
WHERE l.owner_kind = 'party' AND l.owner_id = :owner_id AND (l.type = 'receivable' OR l.type = 'wallet' AND NOT EXISTS (
  SELECT FROM ledger_postings q JOIN ledger_accounts m ON m.id = q.account_id
  WHERE q.journal_id = p.journal_id AND q.currency = p.currency AND m.owner_kind = 'party' AND m.owner_id = l.owner_id
    AND m.type = 'receivable'))
