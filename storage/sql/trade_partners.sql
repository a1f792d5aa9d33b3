-- part: status_now
CASE WHEN t.status = 'BLOCKED' AND t.blocked_until <= app_now() THEN 'ACTIVE' ELSE t.status END

-- part: columns
t.no, t.party_id, t.code, t.name, {status_now} AS status, t.partner_type, t.channel, t.is_b2b, t.customer_no, t.organisation_id,
  t.price_list_id, t.parent_no,
  t.salesperson_id, t.credit_limit_minor, t.credit_used_minor, t.credit_available_minor, t.tax_number_ice, t.tax_number_if,
  t.tax_exempt, t.vat_group_code, t.phone, t.whatsapp, t.email, t.website, t.address_line1, t.address_line2, t.city, t.region,
  t.country, t.postal_code, t.geo_area_code, t.geo_lat, t.geo_lng, t.opening_hours, t.delivery_instructions, t.delivery_zone,
  t.min_order_minor, CASE WHEN t.blocked_until > app_now() THEN t.blocked_until END AS blocked_until,
  CASE WHEN t.blocked_until IS NULL OR t.blocked_until > app_now() THEN t.block_reason END AS block_reason,
  t.default_discount_rate, t.default_discount_minor, t.max_discount_rate,
  t.created_at, t.updated_at, l.code AS price_list_code, l.name AS price_list_name, d.term_id AS payment_term_id

-- part: source
trade_partners t LEFT JOIN price_lists l ON l.id = t.price_list_id
  LEFT JOIN trade_partner_terms d ON d.partner_no = t.no AND d.is_default

-- part: all
FROM trade_partners t WHERE t.deleted_at IS NULL

-- name: get
SELECT {columns} FROM {source} WHERE t.no = :no AND t.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE t.no = :no AND t.deleted_at IS NULL FOR NO KEY UPDATE OF t;

-- name: of_numbers
SELECT {columns} FROM {source} WHERE t.no = ANY(:numbers::bigint[]) AND t.deleted_at IS NULL;

-- name: lock_numbers
-- Those of these that exist, locked in one order, so that two bulk changes do not wait for each other.
SELECT {columns} FROM {source} WHERE t.no = ANY(:numbers::bigint[]) AND t.deleted_at IS NULL ORDER BY t.no
FOR NO KEY UPDATE OF t;

-- name: by_code
SELECT {columns} FROM {source} WHERE t.code = :code AND t.deleted_at IS NULL;

-- name: take_number
-- The next number that no partner's code has or had; the counter moves to it and stays locked.
INSERT INTO document_sequences (code, period, last_value) VALUES ('CL', '', trade_partner_number_after(0))
ON CONFLICT (code, period) DO UPDATE SET last_value = trade_partner_number_after(document_sequences.last_value)
RETURNING last_value;

-- name: next_number
-- The same as a suggestion: nothing moves.
SELECT trade_partner_number_after(coalesce((SELECT last_value FROM document_sequences WHERE code = 'CL' AND period = ''), 0));

-- name: insert
-- Nothing where the code is taken, by a partner of today or of yesterday; one that a renamed partner had breaks the same rule.
INSERT INTO trade_partners (code, name, status, partner_type, channel, is_b2b, customer_no, organisation_id, price_list_id, parent_no,
  salesperson_id, credit_limit_minor, tax_number_ice, tax_number_if, tax_exempt, vat_group_code, phone, whatsapp, email, website, address_line1,
  address_line2, city, region, country, postal_code, geo_area_code, geo_lat, geo_lng, opening_hours, delivery_instructions,
  delivery_zone, min_order_minor, blocked_until, block_reason, default_discount_rate, default_discount_minor, max_discount_rate)
VALUES (:code, :name, :status, :partner_type, :channel, :is_b2b, :customer_no, :organisation_id, :price_list_id, :parent_no, :salesperson_id,
  :credit_limit_minor, :tax_number_ice, :tax_number_if, :tax_exempt, :vat_group_code, :phone, :whatsapp, :email, :website,
  :address_line1, :address_line2, :city, :region, :country, :postal_code, :geo_area_code, :geo_lat, :geo_lng, :opening_hours,
  :delivery_instructions, :delivery_zone, :min_order_minor, :blocked_until, :block_reason, :default_discount_rate,
  :default_discount_minor, :max_discount_rate)
ON CONFLICT (code) DO NOTHING
RETURNING no;

-- name: save
-- All that a form may change; the caller holds the row's lock. A limit below what is used lets what is used stand.
UPDATE trade_partners SET code = :code, name = :name, status = :status, partner_type = :partner_type, channel = :channel,
  is_b2b = :is_b2b, customer_no = :customer_no, organisation_id = :organisation_id, price_list_id = :price_list_id, parent_no = :parent_no,
  salesperson_id = :salesperson_id, credit_limit_minor = :credit_limit_minor,
  credit_over_minor = greatest(0, credit_used_minor - :credit_limit_minor::bigint), tax_number_ice = :tax_number_ice,
  tax_number_if = :tax_number_if, tax_exempt = :tax_exempt, vat_group_code = :vat_group_code, phone = :phone, whatsapp = :whatsapp,
  email = :email, website = :website, address_line1 = :address_line1, address_line2 = :address_line2, city = :city,
  region = :region, country = :country, postal_code = :postal_code, geo_area_code = :geo_area_code, geo_lat = :geo_lat,
  geo_lng = :geo_lng, opening_hours = :opening_hours, delivery_instructions = :delivery_instructions,
  delivery_zone = :delivery_zone, min_order_minor = :min_order_minor, blocked_until = :blocked_until,
  block_reason = :block_reason, default_discount_rate = :default_discount_rate,
  default_discount_minor = :default_discount_minor, max_discount_rate = :max_discount_rate, updated_at = app_now()
WHERE no = :no AND deleted_at IS NULL;

-- name: delete
-- With what the partner's forms kept of it and all that it refers to, which then may be deleted itself; who stood below it stands
-- on its own. None of them may owe anything.
WITH gone AS (
  UPDATE trade_partners SET deleted_at = app_now(), updated_at = app_now(), customer_no = NULL, organisation_id = NULL, parent_no = NULL,
    price_list_id = NULL, salesperson_id = NULL, vat_group_code = NULL, geo_area_code = NULL
  WHERE no = ANY(:numbers::bigint[]) AND deleted_at IS NULL RETURNING no
), emptied AS (
  DELETE FROM custom_field_values v USING custom_fields f, gone
  WHERE v.field_id = f.id AND f.entity_type = 'partner' AND v.entity_id = gone.no::text
), left_alone AS (
  UPDATE trade_partners SET parent_no = NULL
  WHERE parent_no = ANY(:numbers::bigint[]) AND deleted_at IS NULL AND no <> ALL(:numbers::bigint[])
), unbound AS (
  DELETE FROM trade_partner_terms d USING gone WHERE d.partner_no = gone.no
), unvisited AS (
  DELETE FROM itinerary_partners i USING gone WHERE i.partner_no = gone.no
)
SELECT count(*) FROM gone;

-- name: set_status
UPDATE trade_partners SET status = :status, blocked_until = :blocked_until, block_reason = :block_reason, updated_at = app_now()
WHERE no = ANY(:numbers::bigint[]) AND deleted_at IS NULL;

-- name: note_statuses
INSERT INTO trade_partner_statuses (partner_no, old, new, reason, is_notified, blocked_until, actor_kind, actor_id)
SELECT s.no, s.old, :new, :reason, :is_notified, :blocked_until, :actor_kind, :actor_id
FROM unnest(:numbers::bigint[], :olds::text[]) AS s (no, old);

-- name: latest_statuses
-- The newest line in the history of each of these.
SELECT DISTINCT ON (partner_no) partner_no, new, reason, is_notified FROM trade_partner_statuses
WHERE partner_no = ANY(:numbers::bigint[]) ORDER BY partner_no, id DESC;

-- name: lift_expired
-- Blocks whose time is over end, of these partners or of all (without numbers); whom somebody else has locked waits for the next
-- turn.
WITH lapsed AS (
  SELECT no FROM trade_partners
  WHERE status = 'BLOCKED' AND deleted_at IS NULL AND blocked_until <= app_now()
    AND (:numbers::bigint[] IS NULL OR no = ANY(:numbers::bigint[]))
  ORDER BY no FOR NO KEY UPDATE SKIP LOCKED
), lifted AS (
  UPDATE trade_partners t SET status = 'ACTIVE', blocked_until = NULL, block_reason = NULL, updated_at = app_now()
  FROM lapsed WHERE t.no = lapsed.no RETURNING t.no
)
INSERT INTO trade_partner_statuses (partner_no, old, new, reason, actor_kind)
SELECT no, 'BLOCKED', 'ACTIVE', 'The block ran out', 'system' FROM lifted;

-- part: status_columns
s.id, s.old, s.new, s.reason, s.is_notified, s.blocked_until, s.actor_kind, s.actor_id, s.at

-- part: status_source
trade_partner_statuses s

-- part: statuses
FROM trade_partner_statuses s WHERE s.partner_no = :partner_no

-- name: children
SELECT t.no, t.code, t.name, {status_now} AS status FROM trade_partners t
WHERE t.parent_no = :no AND t.deleted_at IS NULL ORDER BY t.name, t.no LIMIT :most;

-- name: brief
SELECT t.no, t.code, t.name, {status_now} AS status FROM trade_partners t WHERE t.no = :no AND t.deleted_at IS NULL;

-- name: set_credit_limit
UPDATE trade_partners SET credit_limit_minor = :limit_minor, updated_at = app_now(),
  credit_over_minor = greatest(0, credit_used_minor - :limit_minor::bigint)
WHERE no = :no AND deleted_at IS NULL;

-- name: let_over
-- A person lets an order pass the limit by so much.
UPDATE trade_partners SET credit_over_minor = greatest(credit_over_minor, credit_used_minor + :amount_minor::bigint - credit_limit_minor)
WHERE no = :no;

-- name: recalculate
-- What is used is what its orders take; the row's lock is held. Gives what it was and what it is.
UPDATE trade_partners t SET credit_used_minor = found.used_minor, updated_at = app_now(),
  credit_over_minor = greatest(0, found.used_minor - t.credit_limit_minor)
FROM (SELECT coalesce(sum(credit_minor), 0)::bigint AS used_minor FROM trade_orders WHERE partner_no = :no) AS found
WHERE t.no = :no AND t.deleted_at IS NULL
RETURNING found.used_minor;

-- name: search_beginnings
-- Whoever has a word that begins so, by those words.
SELECT t.no, t.code, t.name, t.email, t.phone, {status_now} AS status
FROM (SELECT no, min(word) AS word FROM (
    SELECT no, word FROM trade_partner_beginnings WHERE word >= :prefix AND word < :prefix || U&'\+10FFFF' ORDER BY word, no LIMIT :looked_at
  ) AS first_ones GROUP BY no ORDER BY min(word) COLLATE "C", no LIMIT :most) AS found
JOIN trade_partners t ON t.no = found.no
ORDER BY t.code <> :typed, found.word COLLATE "C", t.name, t.no;

-- name: search_words
SELECT t.no, t.code, t.name, t.email, t.phone, {status_now} AS status FROM trade_partners t
WHERE t.words @@ lower(:query)::tsquery AND t.deleted_at IS NULL LIMIT :most;

-- name: nearest
-- The nearest as a flat map has it: none of the really nearest is farther away than the farthest of these.
SELECT no, geo_lat AS lat, geo_lng AS lng FROM trade_partners WHERE deleted_at IS NULL AND location IS NOT NULL
ORDER BY location <-> point(:lng, :lat) LIMIT :most;

-- name: within
-- The nearest in some boxes of degrees, by the haversine, which grows with the distance on the sphere.
SELECT t.no, t.geo_lat AS lat, t.geo_lng AS lng FROM unnest(:souths::float8[], :wests::float8[], :norths::float8[], :easts::float8[])
  AS b (south, west, north, east)
JOIN trade_partners t ON t.location <@ box(point(b.west, b.south), point(b.east, b.north))
WHERE t.deleted_at IS NULL AND t.location IS NOT NULL
ORDER BY power(sin(radians(t.geo_lat - :lat) / 2), 2)
  + cos(radians(:lat)) * cos(radians(t.geo_lat)) * power(sin(radians(t.geo_lng - :lng) / 2), 2), t.no
LIMIT :most;

-- name: statistics
SELECT count(*) AS total, count(*) FILTER (WHERE status = 'ACTIVE') AS active,
  count(*) FILTER (WHERE status = 'BLOCKED') AS blocked, count(*) FILTER (WHERE status = 'ON_HOLD') AS on_hold,
  count(*) FILTER (WHERE status = 'CLOSED') AS closed, coalesce(sum(credit_limit_minor), 0)::bigint AS total_credit_limit_minor,
  coalesce(sum(credit_used_minor), 0)::bigint AS total_credit_used_minor, count(customer_no) AS with_customer
FROM (SELECT {status_now} AS status, t.credit_limit_minor, t.credit_used_minor, t.customer_no
  FROM trade_partners t WHERE t.deleted_at IS NULL) AS found;

-- name: by_type
-- The commonest by name, and all others in one last row without one.
SELECT CASE WHEN place <= :most THEN name END AS name, sum(count)::bigint AS count FROM (
  SELECT partner_type AS name, count(*) AS count, row_number() OVER (ORDER BY count(*) DESC, partner_type) AS place
  FROM trade_partners WHERE deleted_at IS NULL GROUP BY partner_type) AS kinds
GROUP BY least(place, :most + 1), CASE WHEN place <= :most THEN name END ORDER BY least(place, :most + 1);

-- name: by_channel
SELECT CASE WHEN place <= :most THEN name END AS name, sum(count)::bigint AS count FROM (
  SELECT channel AS name, count(*) AS count, row_number() OVER (ORDER BY count(*) DESC, channel) AS place
  FROM trade_partners WHERE deleted_at IS NULL GROUP BY channel) AS kinds
GROUP BY least(place, :most + 1), CASE WHEN place <= :most THEN name END ORDER BY least(place, :most + 1);

-- name: unknown
-- Which of these name nothing.
SELECT array_remove(ARRAY[
  CASE WHEN :price_list_id::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM price_lists WHERE id = :price_list_id) THEN 'price_list_id' END,
  CASE WHEN :payment_term_id::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment_terms WHERE id = :payment_term_id) THEN 'payment_term_id' END,
  CASE WHEN :parent_no::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trade_partners WHERE no = :parent_no AND deleted_at IS NULL) THEN 'parent_partner_id' END,
  CASE WHEN :salesperson_id::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM salespeople WHERE id = :salesperson_id) THEN 'salesperson_id' END,
  CASE WHEN :customer_no::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM erp_customers WHERE no = :customer_no) THEN 'customer_id' END,
  CASE WHEN :organisation_id::uuid IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM parties WHERE id = :organisation_id AND kind = 'organisation' AND deleted_at IS NULL) THEN 'organization_id' END,
  CASE WHEN :vat_group_code::text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM vat_taxes WHERE code = :vat_group_code) THEN 'vat_group_code' END,
  CASE WHEN :geo_area_code::text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM geo_areas WHERE code = :geo_area_code) THEN 'geo_area_code' END
], NULL) AS names;
