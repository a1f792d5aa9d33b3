-- part: known
t.id AS technician_id,
  EXISTS (SELECT FROM slots s
    WHERE s.technician_id = t.id AND upper(s.during) > t.from_at AND lower(s.during) < :to_at
      AND (s.expires_at IS NULL OR s.expires_at > (SELECT app_now()))
      AND s.booking_id IS DISTINCT FROM :booking_id AND (s.state <> 'held' OR s.booking_id IS NULL)
      AND NOT EXISTS (SELECT FROM checkout_previews p WHERE p.id = s.preview_id AND p.account_id = :account_id)) AS is_busy,
  t.id = ANY(ARRAY(SELECT o.technician_id FROM offers o WHERE o.booking_id = :booking_id AND o.round = :round))
    OR t.id = ANY(ARRAY(SELECT a.technician_id FROM assignments a WHERE a.booking_id = :booking_id AND a.state = 'cancelled'))
    AS was_tried,
  t.id = ANY(ARRAY(SELECT b.technician_id FROM technician_blocks b WHERE b.account_id = :account_id)) AS is_blocked,
  coalesce(held.places, '{}') AS places, held.first_ends_at

-- part: considered
unnest(:ids::uuid[], :from_ats::timestamptz[]) AS t (id, from_at)
  LEFT JOIN LATERAL (SELECT array_agg(o.place::int) AS places, min(o.expires_at) AS first_ends_at
    FROM offers o WHERE o.technician_id = t.id AND o.state = 'open') held ON true

-- name: known
-- What is known of some technicians for one booking. `from_ats` is when each would have to set out. An interval that is
-- merely held for another booking may be moved to somebody else, and what the customer holds is in nobody's way.
SELECT {known}, NULL::int AS preference, true AS is_allowed
FROM {considered};

-- part: is_allowed
coalesce(urgent.is_opened, false) OR coalesce(pref.is_exclusive OR (NOT pref.has_exclusive AND (pref.priority IS NOT NULL OR org.allows_others)), true)

-- part: organisation
-- Whom the organisation of a booking `c` prefers for what is asked for; without a word of it anybody may come.
  LEFT JOIN organisations org ON org.id = c.organisation_id
    AND EXISTS (SELECT FROM preferred_providers f WHERE f.organisation_id = org.id
      AND (f.services = '{}' OR f.services && c.categories))
  LEFT JOIN LATERAL (
    SELECT min(f.priority) FILTER (WHERE f.provider_id = x.provider_id) AS priority, coalesce(bool_or(f.exclusivity), false) AS has_exclusive,
      coalesce(bool_or(f.exclusivity AND f.provider_id = x.provider_id), false) AS is_exclusive
    FROM preferred_providers f JOIN technicians x ON x.id = t.id
    WHERE f.organisation_id = org.id AND (f.services = '{}' OR f.services && c.categories)) pref ON org.id IS NOT NULL
  -- Whom an emergency has opened comes before all others.
  LEFT JOIN LATERAL (
    SELECT true AS is_opened FROM bookings k JOIN programs g ON g.id = k.program_id JOIN technicians y ON y.id = t.id
    WHERE k.id = c.booking_id AND g.activation -> 'providers' ? y.provider_id::text) urgent ON true

-- name: known_to_organisation
-- The same for a booking of an organisation. A statement of its own: in one for both the planner would choose anew each time
-- between what is asked of everybody and all that is asked here, ten times what it takes to be answered.
SELECT {known},
  CASE WHEN urgent.is_opened THEN 0 WHEN org.prefers_first THEN pref.priority END AS preference,
  {is_allowed} AS is_allowed
FROM {considered}
  CROSS JOIN (SELECT :organisation_id::uuid AS organisation_id, :booking_id::uuid AS booking_id, :categories::text[] AS categories) AS c
{organisation};

-- name: kept_out
-- Which of these technicians which of these bookings' organisations do not let come.
SELECT t.id AS technician_id, c.booking_id
FROM unnest(:technician_ids::uuid[]) AS t (id)
  CROSS JOIN (
    SELECT b.organisation_id, b.id AS booking_id, ARRAY(SELECT lower(one) FROM unnest(b.categories) AS one) AS categories
    FROM bookings b WHERE b.id = ANY(:booking_ids::uuid[]) AND b.organisation_id IS NOT NULL) AS c
{organisation}
WHERE NOT ({is_allowed});

-- name: prefers
-- Whether an organisation prefers anybody for what is asked for, or an emergency has opened somebody.
SELECT EXISTS (SELECT FROM bookings k JOIN programs g ON g.id = k.program_id
    WHERE k.id = :booking_id AND g.activation -> 'providers' <> '[]') OR EXISTS (SELECT FROM organisations o JOIN preferred_providers f ON f.organisation_id = o.id
  WHERE o.id = :organisation_id AND o.prefers_first AND (f.services = '{}' OR f.services && :categories::text[]));
