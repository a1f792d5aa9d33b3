-- name: partners
-- So many partners: half of them in one city, the others all over a country; names of common and of rare words.
INSERT INTO trade_partners (code, name, phone, email, city, geo_lat, geo_lng, credit_limit_minor)
SELECT 'CL' || lpad(n::text, 6, '0'),
  (ARRAY['Atlas', 'Acme', 'Sahara', 'Medina', 'Oasis', 'Rif', 'Zellige', 'Argan', 'Kasbah', 'Majorelle'])[1 + n % 10] || ' '
    || (ARRAY['Trading', 'Services', 'Industries', 'Distribution', 'Consulting', 'Foods', 'Textile'])[1 + n / 10 % 7] || ' '
    || substr(md5(n::text), 1, 5) || ' Corp',
  '+2125' || lpad((n * 7919 % 100000000)::text, 8, '0'), 'contact' || n || '@' || substr(md5(n::text), 1, 6) || '.example',
  CASE WHEN n % 2 = 0 THEN 'Casablanca' ELSE 'Rabat' END,
  CASE WHEN n % 2 = 0 THEN 33.57 + (n * 37 % 2000 - 1000) / 10000.0 ELSE 28.0 + n * 31 % 7000 / 1000.0 END,
  CASE WHEN n % 2 = 0 THEN -7.59 + (n * 53 % 2000 - 1000) / 10000.0 ELSE -11.0 + n * 17 % 9000 / 1000.0 END, 100000
FROM generate_series(:first::bigint, :last::bigint) AS n;

-- name: tidy
VACUUM (ANALYZE) trade_partners, trade_partner_beginnings;

-- name: placed
SELECT no, geo_lat AS lat, geo_lng AS lng FROM trade_partners ORDER BY no;
