-- A database as large as a city of some years, by arithmetic alone: booking `n` of `:rows` is always the same. One account and one
-- technician have a twentieth of what there is; the others share the rest unevenly. Ids are hashes, so that they are in no order.
-- Filled by a batch at a time, so that no statement runs long.

-- part: batch
-- The bookings of this batch, each with its n.
(SELECT n, b.* FROM generate_series(:first::int, :last::int) AS n JOIN bookings b ON b.id = md5('booking' || n)::uuid) AS b

-- part: jobs
-- A fifth of the bookings has what its technician knows of it, those of the one technician among them.
{batch} WHERE n % 5 = 2 AND b.technician_id IS NOT NULL

-- name: bare
-- What triggers would write beside a row is written here by sets, and indexes are built at the end, in one go each: it is
-- three times as fast. Keys and checks stand.
DO $$ DECLARE t text; i record; BEGIN
  CREATE TABLE many_indexes (definition text NOT NULL);
  FOREACH t IN ARRAY '{bookings, booking_words, payments, offers, assignments, agenda, ledger_postings, ledger_journals}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', t);
    FOR i IN SELECT x.indexrelid, pg_get_indexdef(x.indexrelid) AS definition FROM pg_index x
             WHERE x.indrelid = t::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid) LOOP
      INSERT INTO many_indexes VALUES (i.definition);
      EXECUTE format('DROP INDEX %s', i.indexrelid::regclass);
    END LOOP;
  END LOOP; END $$;

-- name: whole
DO $$ DECLARE t text; d text; BEGIN
  FOR d IN SELECT definition FROM many_indexes LOOP EXECUTE d; END LOOP;
  DROP TABLE many_indexes;
  FOREACH t IN ARRAY '{bookings, booking_words, payments, offers, assignments, agenda, ledger_postings, ledger_journals}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', t);
  END LOOP; END $$;

-- name: accounts
INSERT INTO accounts (id, phone, name, email, is_verified, created_at)
SELECT md5('account' || n)::uuid, '+9170' || lpad(n::text, 8, '0'), 'Customer ' || n, 'c' || n || '@example.com', true,
  app_now() - interval '1100 days'
FROM generate_series(0, greatest(:rows::int / 40, 10)) AS n;

-- name: technicians
WITH p AS (
  INSERT INTO parties (id, kind, code, name, phone, timezone, currency)
  SELECT md5('technician' || n)::uuid, 'technician', 'MANY-' || n, 'Technician ' || n, '+9180' || lpad(n::text, 8, '0'),
    'Asia/Kolkata', 'INR'
  FROM generate_series(0, greatest(:rows::int / 2000, 5)) AS n RETURNING id)
INSERT INTO technicians (id, categories, tiers, onboarding_status, rating_sum, rating_count)
SELECT id, '{Facial,Cleanup,Hair}', '{Minimal,Premium}', 'verified', 46, 10 FROM p;

-- name: organisations
WITH p AS (
  INSERT INTO parties (id, kind, code, name, timezone, currency)
  VALUES (md5('organisation')::uuid, 'organisation', 'MANY', 'An organisation', 'Asia/Kolkata', 'INR') RETURNING id)
INSERT INTO organisations (id, org_type, tier, registered_email) SELECT id, 'business', 'starter', 'many@example.com' FROM p;

-- name: wallets
INSERT INTO ledger_accounts (id, owner_kind, owner_id, type, currency)
SELECT md5('wallet')::uuid, 'account', md5('account0')::uuid, 'wallet', 'INR'
UNION ALL SELECT md5('prepaid')::uuid, 'platform', NULL, 'prepaid', 'INR'
UNION ALL SELECT md5('gateway_clearing')::uuid, 'platform', NULL, 'gateway_clearing', 'INR'
UNION ALL SELECT md5('cash_in_hand')::uuid, 'party', md5('technician0')::uuid, 'cash_in_hand', 'INR';

-- name: services
INSERT INTO services (id, name, category, service_type, tier)
SELECT md5('service' || n)::uuid, c || ' - Minimal', c, c, 'Minimal'
FROM unnest('{Facial,Cleanup,Hair,Waxing,Massage,Manicure,Threading,Makeup}'::text[]) WITH ORDINALITY AS s (c, n);

-- name: bookings
-- Three years of them, the newest last; a hundredth is still to come. Whoever books most of the others books every third day. Times of
-- day, towns, names and statuses are as uneven as life.
INSERT INTO bookings (id, number, account_id, address, contact, lat, lng, timezone, local_date, local_time, starts_at, ends_at,
  categories, tiers, status, payment_method, payment_status, currency, subtotal_minor, savings_minor, discount_minor, tax_minor,
  grand_total_minor, technician_id, next_action, next_action_at, queued_at, cancelled_at, cancelled_by, created_at, updated_at,
  organisation_id, system, rating, rated_at)
SELECT md5('booking' || n)::uuid, 'BK-' || to_char(made, 'YYYYMMDD') || '-' || lpad(n::text, 7, '0'),
  md5('account' || CASE WHEN n % 20 = 0 THEN 0 ELSE 1 + floor(power(a / 1e6, 1.3) * greatest(:rows::int / 40, 10) * 0.999)::int END)::uuid,
  jsonb_build_object('line1', a % 300 || ' Park Street', 'city', city, 'state', 'State', 'pincode', (700000 + b % 900)::text),
  jsonb_build_object('name', names[1 + floor(power(b / 1e6, 2) * 40)::int] || ' ' || surnames[1 + c % 20],
    'phone', '+9199' || lpad(((a::bigint * 1000003 + b) % 100000000)::text, 8, '0')),
  22.4 + a % 1000 / 5000.0, 88.3 + b % 1000 / 5000.0, 'Asia/Kolkata', (starts AT TIME ZONE 'Asia/Kolkata')::date,
  (starts AT TIME ZONE 'Asia/Kolkata')::time, starts, starts + interval '1 hour', ARRAY[kind], ARRAY['Minimal'], status,
  CASE WHEN c % 10 < 6 THEN 'cash' ELSE 'online' END,
  CASE WHEN status = 'completed' THEN 'paid' WHEN status = 'refunded' THEN 'refunded' WHEN c % 50 = 0 THEN 'failed' ELSE 'pending' END,
  'INR', 100000, 10000, 0, 16200, 106200,
  CASE WHEN status IN ('confirmed', 'completed', 'refunded') THEN
    md5('technician' || CASE WHEN n % 20 = 7 THEN 0 ELSE 1 + b % greatest(:rows::int / 2000, 5) END)::uuid END,
  CASE status WHEN 'confirmed' THEN 'watch' WHEN 'partner_assigned' THEN 'offer_expiry' END,
  CASE WHEN status IN ('confirmed', 'partner_assigned') THEN starts END,
  CASE WHEN status = 'pending' THEN made END,
  CASE WHEN status = 'cancelled' THEN made END, CASE WHEN status = 'cancelled' THEN 'customer' END, made, made,
  CASE WHEN b % 2000 = 3 THEN md5('organisation')::uuid END, CASE WHEN b % 2000 = 3 THEN 'organisation' ELSE 'customer' END,
  CASE WHEN status = 'completed' AND b % 3 = 0 THEN CASE WHEN a % 500 = 0 THEN 1 ELSE 4 + a % 2 END END,
  CASE WHEN status = 'completed' AND b % 3 = 0 THEN starts + interval '1 day' END
FROM (
  SELECT n, a, b, c, made, starts,
    CASE WHEN starts > now_ THEN CASE WHEN c % 10 < 7 THEN 'confirmed' WHEN c % 10 < 8 THEN 'partner_assigned' ELSE 'pending' END
      WHEN c < 80 THEN 'completed' WHEN c < 94 THEN 'cancelled' ELSE 'refunded' END AS status,
    (ARRAY['Kolkata','Kolkata','Kolkata','Mumbai','Mumbai','Delhi','Delhi','Pune','Chennai','Howrah'])[1 + a % 10] AS city,
    (ARRAY['Facial','Facial','Facial','Cleanup','Cleanup','Hair','Hair','Waxing','Massage','Manicure'])[1 + b % 10] AS kind
  FROM (
    SELECT n, now_, abs(hashint8extended(n, 1) % 1000000)::int AS a, abs(hashint8extended(n, 2) % 1000000)::int AS b,
      abs(hashint8extended(n, 3) % 100)::int AS c, made,
      date_trunc('day', made) + (1 + n % 14) * interval '1 day' + (3 + n % 11) * interval '1 hour' AS starts
    FROM (SELECT n, now_, now_ - interval '1095 days' * (1 - n::float8 / :rows::int) AS made
      FROM (SELECT app_now() AS now_ OFFSET 0) AS t, generate_series(:first::int, :last::int) AS n OFFSET 0) AS m OFFSET 0
  ) AS h OFFSET 0
) AS b,
(SELECT ARRAY['Asha','Bina','Charu','Divya','Esha','Farah','Gita','Hema','Indu','Jaya','Kavya','Lata','Maya','Nisha','Ojas','Priya',
  'Rani','Sita','Tara','Uma','Vani','Yamini','Zara','Anil','Bala','Chetan','Dev','Ekta','Firoz','Gopal','Hari','Isha','Jatin','Kiran',
  'Lalit','Manoj','Naveen','Om','Pavan','Quasim'] AS names,
  ARRAY['Sen','Das','Roy','Bose','Dutta','Ghosh','Khan','Shah','Mehta','Rao','Iyer','Nair','Patel','Singh','Jain','Gupta','Verma',
  'Kumar','Mishra','Pillai'] AS surnames) AS lists;

-- name: words
INSERT INTO booking_words (booking_id, words) SELECT b.id, booking_words_of(w) FROM {batch} JOIN bookings w ON w.id = b.id;

-- name: items
INSERT INTO booking_items (booking_id, position, service_id, name, category, tier, quantity, duration_minutes, list_price_minor, price_minor)
SELECT b.id, 1, s.id, s.name, s.category, s.tier, 1, 60, 100000, 90000 FROM {batch} JOIN services s ON s.category = b.categories[1];

-- name: payments
INSERT INTO payments (id, booking_id, account_id, kind, status, currency, amount_minor, captured_minor, refunded_minor, receipt,
  gateway_order_id, captured_at, created_at, updated_at)
SELECT md5('payment' || b.number)::uuid, b.id, b.account_id, b.payment_method,
  CASE b.payment_status WHEN 'paid' THEN 'success' WHEN 'refunded' THEN 'refunded' WHEN 'failed' THEN 'failed' ELSE 'pending' END,
  b.currency, b.grand_total_minor, CASE WHEN b.payment_status IN ('paid', 'refunded') THEN b.grand_total_minor ELSE 0 END,
  CASE WHEN b.payment_status = 'refunded' THEN b.grand_total_minor ELSE 0 END, 'rcpt-' || b.number,
  CASE WHEN b.payment_method = 'online' THEN 'order_' || b.number END,
  CASE WHEN b.payment_status IN ('paid', 'refunded') THEN b.starts_at END, b.created_at, b.updated_at
FROM {batch};

-- name: offers
INSERT INTO offers (id, booking_id, technician_id, round, attempt, state, earning_minor, currency, made_at, expires_at, answered_at)
SELECT md5('offer' || b.number)::uuid, b.id, b.technician_id, 1, 1, 'accepted', 63000, b.currency, b.created_at,
  b.created_at + interval '15 minutes', b.created_at FROM {jobs};

-- name: assignments
INSERT INTO assignments (id, booking_id, offer_id, technician_id, state, payee_id, technician_share_pct, platform_share_pct, earning_minor,
  accepted_at, completed_at)
SELECT md5('assignment' || b.number)::uuid, b.id, md5('offer' || b.number)::uuid, b.technician_id,
  CASE b.status WHEN 'confirmed' THEN 'accepted' ELSE 'completed' END, b.technician_id, 70, 30, 63000, b.created_at,
  CASE WHEN b.status <> 'confirmed' THEN b.ends_at END FROM {jobs};

-- name: agenda
INSERT INTO agenda (technician_id, booking_id, state, offer_id, assignment_id, local_date, starts_at, ends_at)
SELECT a.technician_id, b.id, a.state, a.offer_id, a.id, b.local_date, b.starts_at, b.ends_at
FROM {batch} JOIN assignments a ON a.id = md5('assignment' || b.number)::uuid;

-- name: payouts
INSERT INTO payouts (id, number, party_id, currency, total_minor, net_minor, method, status, bank_transaction_id, requested_by,
  earning_ids, created_at)
SELECT md5('payout' || b.number)::uuid, 'PO-' || b.number, b.technician_id, b.currency, 63000, 63000, 'bank_transfer', 'completed',
  'TX' || b.number, 'admin', '{}', b.ends_at FROM {jobs} AND b.status = 'completed' AND n % 20 = 7;

-- name: earnings
INSERT INTO earnings (id, booking_id, assignment_id, technician_id, payee_id, technician_share_pct, currency, booking_minor, tax_minor,
  earning_minor, platform_minor, payment_method, status, payout_id, claimed_minor, paid_minor, created_at, paid_at)
SELECT md5('earning' || b.number)::uuid, b.id, md5('assignment' || b.number)::uuid, b.technician_id, b.technician_id, 70, b.currency,
  106200, 16200, 63000, 27000, b.payment_method, CASE WHEN o.id IS NULL THEN 'pending' ELSE 'paid' END, o.id,
  CASE WHEN o.id IS NULL THEN 0 ELSE 63000 END, CASE WHEN o.id IS NULL THEN 0 ELSE 63000 END, b.ends_at, o.created_at
FROM (SELECT * FROM {jobs} AND b.status = 'completed') AS b LEFT JOIN payouts o
  ON o.id = md5('payout' || b.number)::uuid AND b.n % 40 = 7;

-- name: notifications
INSERT INTO notifications (account_id, technician_id, booking_id, type, title, message, is_read, created_at)
SELECT CASE WHEN n % 5 = 0 THEN b.account_id END, CASE WHEN n % 5 <> 0 THEN b.technician_id END,
  b.id, CASE WHEN b.status = 'cancelled' THEN 'booking_cancelled' ELSE 'booking_confirmed' END, 'Your booking', 'It is confirmed.',
  b.starts_at < app_now(), b.created_at
FROM {batch} WHERE n % 5 = 0 OR (n % 5 = 2 AND b.technician_id IS NOT NULL);

-- name: ledger
WITH j AS (
  INSERT INTO ledger_journals (id, kind, reference, booking_id, at)
  SELECT md5('journal' || b.number)::uuid, 'refund', b.number, b.id, b.created_at
  FROM {batch} WHERE n % 20 = 0 RETURNING id, reference
)
INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)
SELECT j.id, md5(side)::uuid, 'INR', CASE WHEN (side = 'wallet') = (right(j.reference, 7)::int % 3 > 0) THEN 100 ELSE -100 END
FROM j, unnest('{wallet,prepaid}'::text[]) AS side ORDER BY j.reference;

-- name: looks
INSERT INTO match_attempts (booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, at,
  technician_ids, ranks, reasons, scores, distances)
SELECT b.id, 1, 1, 'greedy', 1, '{}', 10000, 'offered', b.created_at, ARRAY(SELECT md5('technician' || n)::uuid FROM generate_series(0, 4) AS n),
  '{1,2,3,4,5}', ARRAY[CASE WHEN n % 200 = 7 THEN 'outranked' ELSE 'offered' END, 'outranked', 'outranked', 'outranked', 'outranked'],
  '{0.5,0.5,0.5,0.5,0.5}', '{0,1000,2000,3000,4000}'
FROM {jobs} AND n % 20 = 7 ORDER BY b.created_at;

-- name: unhurried
-- What is done to all of it at once takes as long as it takes.
SET statement_timeout = 0;

-- name: tidy
-- What autovacuum does between days.
VACUUM (ANALYZE);

-- name: backend
-- The process that serves this session.
SELECT pg_backend_pid();

-- name: money
-- What came in for what was paid, as journals: captures and cash.
WITH j AS (
  INSERT INTO ledger_journals (id, kind, reference, booking_id, at)
  SELECT md5('money' || b.number)::uuid, CASE b.payment_method WHEN 'online' THEN 'capture' ELSE 'completion' END, 'money-' || b.number,
    b.id, CASE b.payment_method WHEN 'online' THEN b.created_at ELSE b.ends_at END
  FROM {batch} WHERE b.payment_status IN ('paid', 'refunded') RETURNING id, kind
)
INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)
SELECT j.id, md5(CASE WHEN side = 1 THEN 'prepaid' WHEN j.kind = 'capture' THEN 'gateway_clearing' ELSE 'cash_in_hand' END)::uuid, 'INR',
  side * 106200
FROM j, unnest('{1,-1}'::int[]) AS side;
