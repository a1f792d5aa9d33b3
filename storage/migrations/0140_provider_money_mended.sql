-- What a renewal's payment leads to is ours, and no part of what people write on their requests.
ALTER TABLE payment_requests ADD COLUMN renews_days int CHECK (renews_days BETWEEN 1 AND 3660);
UPDATE payment_requests SET renews_days = (metadata ->> 'renewsDays')::int
WHERE purpose = 'subscription' AND metadata ->> 'renewsDays' ~ '^[0-9]{1,4}$' AND (metadata ->> 'renewsDays')::int BETWEEN 1 AND 3660;
UPDATE payment_requests SET metadata = metadata - 'renewsDays' WHERE purpose = 'subscription' AND metadata ? 'renewsDays';

-- Whoever comes to a link twice is looked for, and what was paid at it is counted.
CREATE INDEX payment_requests_link ON payment_requests (link_id, customer_id, status) WHERE link_id IS NOT NULL;

-- Of a refund that the gateway made by itself: what the wallet of whoever was paid did not hold any more.
ALTER TABLE refunds ADD COLUMN uncovered_minor bigint NOT NULL DEFAULT 0
  CHECK (uncovered_minor BETWEEN 0 AND amount_minor - prepaid_minor - owed_minor);
