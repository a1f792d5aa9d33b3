-- name: balances
SELECT l.currency::text AS currency,
  coalesce(sum(l.balance_minor) FILTER (WHERE l.type = 'payable'), 0)::bigint AS owed_minor,
  coalesce(-sum(l.balance_minor) FILTER (WHERE l.type = 'cash_in_hand'), 0)::bigint AS cash_minor,
  coalesce((SELECT sum(o.net_minor) FROM payouts o
            WHERE o.party_id = :provider_id AND o.currency = l.currency AND o.status IN ('pending', 'processing')), 0)::bigint AS pending_minor
FROM ledger_accounts l
WHERE l.owner_kind = 'party' AND l.owner_id = :provider_id AND l.type IN ('payable', 'cash_in_hand')
GROUP BY l.currency ORDER BY l.currency;

-- name: last_moved
-- The newest posting of each account is the first of its index.
SELECT max(j.at) FROM ledger_accounts l
CROSS JOIN LATERAL (SELECT p.journal_id FROM ledger_postings p WHERE p.account_id = l.id ORDER BY p.id DESC LIMIT 1) newest
JOIN ledger_journals j ON j.id = newest.journal_id
WHERE l.owner_kind = 'party' AND l.owner_id = :provider_id;
