-- The greatest share of a month's calls of which an app was told, and the month by its first day.
ALTER TABLE integrations ADD COLUMN alert_month date, ADD COLUMN alert_percent int,
  ADD CHECK ((alert_month IS NULL) = (alert_percent IS NULL));

-- Nothing named its messages: each is written once, in the transaction of its cause.
ALTER TABLE outbox DROP COLUMN key;
