-- What a customer has spent at a provider is what they paid less what went back to them, and what is counted is what they paid for: not
-- what they were only asked for, nor the lines that stand beside a payment (the cash of a job, a refund).
CREATE OR REPLACE FUNCTION provider_customer_totals() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  spent bigint := 0;
  times int := 0;
  is_own boolean;
BEGIN
  IF NEW.customer_id IS NULL THEN RETURN NULL; END IF;
  SELECT p.currency = NEW.currency INTO is_own FROM parties p WHERE p.id = NEW.provider_id;
  IF NEW.type = 'credit' THEN
    -- All of a payment went back: what its refunds have not taken yet goes with it.
    IF TG_OP = 'UPDATE' AND OLD.status = 'settled' AND NEW.status = 'refunded' THEN
      SELECT coalesce(sum(r.amount_minor), 0) - NEW.amount_minor INTO spent FROM provider_transactions r
      WHERE r.related_to = NEW.id AND r.category = 'refund' AND r.status = 'settled';
    ELSE
      IF TG_OP = 'UPDATE' AND OLD.status = 'settled' THEN spent := spent - OLD.amount_minor; END IF;
      IF NEW.status = 'settled' THEN spent := spent + NEW.amount_minor; END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status IN ('settled', 'refunded') THEN times := times - 1; END IF;
    IF NEW.status IN ('settled', 'refunded') THEN times := times + 1; END IF;
  ELSIF NEW.category = 'refund' AND EXISTS (
    SELECT FROM provider_transactions c WHERE c.id = NEW.related_to AND c.status = 'settled') THEN
    IF TG_OP = 'UPDATE' AND OLD.status = 'settled' THEN spent := spent + OLD.amount_minor; END IF;
    IF NEW.status = 'settled' THEN spent := spent - NEW.amount_minor; END IF;
  END IF;
  UPDATE provider_customers c SET spent_minor = c.spent_minor + CASE WHEN is_own THEN spent ELSE 0 END,
    transactions = c.transactions + times, last_at = greatest(c.last_at, NEW.created_at)
  WHERE c.id = NEW.customer_id;
  RETURN NULL;
END $$;

UPDATE provider_customers c SET spent_minor = s.spent, transactions = s.times
FROM (
  SELECT t.customer_id,
    coalesce(sum(CASE WHEN t.type = 'credit' THEN t.amount_minor ELSE -t.amount_minor END)
             FILTER (WHERE t.status = 'settled' AND t.currency = p.currency AND (t.type = 'credit' OR paid.status = 'settled')), 0) AS spent,
    count(*) FILTER (WHERE t.type = 'credit' AND t.status IN ('settled', 'refunded')) AS times
  FROM provider_transactions t JOIN parties p ON p.id = t.provider_id
  LEFT JOIN provider_transactions paid ON paid.id = t.related_to AND t.category = 'refund'
  WHERE t.customer_id IS NOT NULL AND (t.type = 'credit' OR t.category = 'refund') GROUP BY t.customer_id
) s WHERE s.customer_id = c.id AND (c.spent_minor, c.transactions) IS DISTINCT FROM (s.spent, s.times::int);

-- A line that changes is counted by the clock that there is then: while that changes, it waits, as a new one does.
CREATE OR REPLACE FUNCTION provider_days_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM providers WHERE id = NEW.provider_id FOR KEY SHARE;
  IF TG_OP = 'UPDATE' THEN PERFORM provider_days_add(OLD, -1); END IF;
  PERFORM provider_days_add(NEW, 1);
  RETURN NULL;
END $$;

-- On which day a provider was written to because its money waits for a bank account.
ALTER TABLE providers ADD COLUMN account_asked_on date;
