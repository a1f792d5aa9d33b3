-- Who is billed for a booking on account is decided with its price, and kept: a customer that is linked to another payer meanwhile,
-- or an app that is billed no more, changes whom the next booking is for.
ALTER TABLE bookings ADD COLUMN billed_to uuid REFERENCES parties (id);

-- Of those that are there: the partner that has its order, the party that its price was made for, the app whose customer booked, the
-- organisation in whose name.
UPDATE bookings b SET billed_to = coalesce(
  (SELECT t.party_id FROM trade_orders o JOIN trade_partners t ON t.no = o.partner_no WHERE o.booking_id = b.id),
  (SELECT p.billed_to FROM checkout_previews p WHERE p.id = b.preview_id),
  (SELECT c.integration_id FROM integration_customers c WHERE c.account_id = b.account_id),
  b.organisation_id)
WHERE b.payment_method = 'account';

ALTER TABLE bookings ADD CONSTRAINT booking_payer CHECK ((payment_method = 'account') = (billed_to IS NOT NULL));

-- The oldest debts of an app are paid first: so those of its done bookings are paid that no open debt is of.
WITH debts AS (
  SELECT l.owner_id, l.currency, j.booking_id, max(p.id) AS place, -sum(p.amount_minor) AS amount_minor
  FROM ledger_accounts l JOIN integrations i ON i.id = l.owner_id
  JOIN ledger_postings p ON p.account_id = l.id JOIN ledger_journals j ON j.id = p.journal_id
  WHERE l.owner_kind = 'party' AND l.type IN ('receivable', 'wallet') AND j.kind IN ('completion', 'cancellation_fee')
  GROUP BY l.owner_id, l.currency, j.id
), newer AS (
  SELECT booking_id, owner_id, currency, coalesce(sum(amount_minor) OVER (PARTITION BY owner_id, currency ORDER BY place DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer_minor
  FROM debts
)
UPDATE bookings b SET payment_status = 'paid'
FROM newer n LEFT JOIN ledger_accounts l ON l.owner_kind = 'party' AND l.owner_id = n.owner_id AND l.type = 'receivable'
  AND l.currency = n.currency
WHERE b.id = n.booking_id AND b.status = 'completed' AND b.payment_status = 'pending' AND n.newer_minor >= coalesce(-l.balance_minor, 0);
