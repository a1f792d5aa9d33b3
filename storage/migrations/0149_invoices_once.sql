-- A period ends once: a booking that was finished late moves the beginning of the bill that it stands on.
UPDATE invoices i SET kind = 'requested' WHERE i.kind = 'periodic' AND EXISTS (
  SELECT FROM invoices e WHERE e.organisation_id = i.organisation_id AND e.kind = 'periodic' AND e.period_end = i.period_end
    AND (e.created_at, e.id) < (i.created_at, i.id));
DROP INDEX invoices_once;
CREATE UNIQUE INDEX invoices_once ON invoices (organisation_id, period_end) WHERE kind = 'periodic';
