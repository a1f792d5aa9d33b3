-- name: drop_others
DELETE FROM preferred_providers WHERE organisation_id = :organisation_id AND provider_id <> ALL(:kept::uuid[]);

-- name: put
-- Only of providers that there are; returns how many. What staff agreed to stays.
WITH put AS (
  INSERT INTO preferred_providers (organisation_id, provider_id, services, priority, discount_pct, exclusivity)
  SELECT :organisation_id, :provider_id, :services, :priority, :discount_pct, :exclusivity
  FROM providers WHERE id = :provider_id
  ON CONFLICT (organisation_id, provider_id) DO UPDATE SET services = excluded.services, priority = excluded.priority,
    discount_pct = excluded.discount_pct, exclusivity = excluded.exclusivity
  RETURNING 1)
SELECT count(*)::int FROM put;

-- name: agree
UPDATE preferred_providers f SET agreed_pct = :agreed_pct FROM preferred_providers before
WHERE f.organisation_id = :organisation_id AND f.provider_id = :provider_id AND before.organisation_id = f.organisation_id
  AND before.provider_id = f.provider_id
RETURNING before.agreed_pct;

-- name: set_rules
UPDATE organisations SET prefers_first = :prefers_first, allows_others = :allows_others, updated_at = app_now()
WHERE id = :organisation_id;

-- name: rules
SELECT prefers_first, allows_others FROM organisations WHERE id = :organisation_id;

-- name: of_organisation
SELECT f.provider_id, p.name, f.services, f.priority, f.discount_pct, f.agreed_pct, f.exclusivity
FROM preferred_providers f JOIN parties p ON p.id = f.provider_id
WHERE f.organisation_id = :organisation_id ORDER BY f.priority, p.name, f.provider_id;

-- name: negotiated
-- What an organisation pays less for a category: its volume's discount, or what was agreed for its first provider if that is
-- more; and the
-- price that was accepted with a quote, while it holds. Preferences name categories in small letters, the catalogue does not.
SELECT greatest(o.volume_discount_pct, coalesce((
    SELECT f.agreed_pct FROM preferred_providers f
    WHERE f.organisation_id = o.id AND (f.services = '{}' OR lower(:category) = ANY(f.services))
    ORDER BY f.priority LIMIT 1), 0)) AS discount_pct,
  (SELECT q.price_minor FROM quotes q
   WHERE q.organisation_id = o.id AND q.service_id = :service_id AND q.status = 'accepted' AND q.currency = :currency
     AND q.valid_until >= organisation_today(p.timezone) ORDER BY q.decided_at DESC LIMIT 1) AS price_minor
FROM organisations o JOIN parties p ON p.id = o.id WHERE o.id = :organisation_id;
