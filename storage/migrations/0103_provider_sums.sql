-- What is asked for on behalf of somebody else, and the sums that dashboards read.

-- Whom captured money belongs to where it is not the platform's to hold.
ALTER TABLE payments ADD COLUMN payee_id uuid REFERENCES parties (id);
CREATE INDEX payments_payee ON payments (payee_id) WHERE payee_id IS NOT NULL;

-- Per local day of the provider's clock: the day on which money was settled, else that of the line itself. The trigger is
-- the only writer, but for the rebuild when the clock changes.
CREATE TABLE provider_days (
  provider_id  uuid NOT NULL REFERENCES providers (id),
  day          date NOT NULL,
  currency     char(3) NOT NULL,
  type         text NOT NULL,
  category     text NOT NULL,
  status       text NOT NULL,
  service      text NOT NULL,
  lines        bigint NOT NULL,
  amount_minor bigint NOT NULL,
  PRIMARY KEY (provider_id, day, currency, type, category, status, service)
);

CREATE FUNCTION provider_days_add(t provider_transactions, times int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO provider_days AS d (provider_id, day, currency, type, category, status, service, lines, amount_minor)
  SELECT t.provider_id, (coalesce(t.settled_at, t.created_at) AT TIME ZONE p.timezone)::date, t.currency, t.type, t.category,
    t.status, coalesce(t.service, ''), times, times * t.amount_minor
  FROM parties p WHERE p.id = t.provider_id
  ON CONFLICT (provider_id, day, currency, type, category, status, service)
  DO UPDATE SET lines = d.lines + EXCLUDED.lines, amount_minor = d.amount_minor + EXCLUDED.amount_minor
$$;

CREATE FUNCTION provider_days_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN PERFORM provider_days_add(OLD, -1); END IF;
  PERFORM provider_days_add(NEW, 1);
  RETURN NULL;
END $$;
CREATE TRIGGER provider_days_keep AFTER INSERT OR UPDATE OF status, amount_minor, settled_at ON provider_transactions
  FOR EACH ROW EXECUTE FUNCTION provider_days_keep();
INSERT INTO provider_days (provider_id, day, currency, type, category, status, service, lines, amount_minor)
SELECT t.provider_id, (coalesce(t.settled_at, t.created_at) AT TIME ZONE p.timezone)::date, t.currency, t.type, t.category, t.status,
  coalesce(t.service, ''), count(*), sum(t.amount_minor)
FROM provider_transactions t JOIN parties p ON p.id = t.provider_id GROUP BY 1, 2, 3, 4, 5, 6, 7;
