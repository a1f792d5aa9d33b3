-- What a house of so many bookings (`:rows`) has beside them, for the lists that are not of bookings. As in many.sql all of it is
-- arithmetic, and of firms one has very much of its kind; the newest come last, over three years.

-- part: half
(SELECT n, app_now() - interval '1095 days' * (1 - n * 2.0 / :rows::int) AS made FROM generate_series(1, :rows::int / 2) AS n) AS t

-- part: tenth
(SELECT n, app_now() - interval '1095 days' * (1 - n * 10.0 / :rows::int) AS made FROM generate_series(1, :rows::int / 10) AS n) AS t

-- part: twentieth
(SELECT n, app_now() - interval '1095 days' * (1 - n * 20.0 / :rows::int) AS made FROM generate_series(1, :rows::int / 20) AS n) AS t

-- part: hundredth
(SELECT n, app_now() - interval '1095 days' * (1 - n * 100.0 / :rows::int) AS made FROM generate_series(1, :rows::int / 100) AS n) AS t

-- part: fiftieth
-- As many as the fewest accounts that there are.
(SELECT n, app_now() - interval '1095 days' * (1 - n * 50.0 / :rows::int) AS made FROM generate_series(1, :rows::int / 50) AS n) AS t

-- name: quiet
-- What triggers would keep beside a row is of no list here.
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{audit_log, memberships, provider_transactions, trade_partners, trade_orders, ledger_postings, ledger_journals}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', t);
  END LOOP; END $$;

-- name: loud
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{audit_log, memberships, provider_transactions, trade_partners, trade_orders, ledger_postings, ledger_journals}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', t);
  END LOOP; END $$;

-- name: people
-- Who has an account and booked nothing yet.
INSERT INTO accounts (id, phone, name, email, is_verified, is_active, created_at)
SELECT md5('person' || n)::uuid, '+9171' || lpad(n::text, 8, '0'), 'Person ' || n, 'p' || n || '@example.com', true, n % 100 > 0, made
FROM {tenth};

-- name: crew
-- Who works here and has had no job yet.
WITH p AS (
  INSERT INTO parties (id, kind, code, name, phone, timezone, currency, created_at)
  SELECT md5('crew' || n)::uuid, 'technician', 'CREW-' || n, 'Person ' || n, '+9181' || lpad(n::text, 8, '0'), 'Asia/Kolkata', 'INR', made
  FROM {hundredth}
)
INSERT INTO technicians (id, categories, tiers, onboarding_status)
SELECT md5('crew' || n)::uuid, '{Facial}', '{Minimal}', CASE WHEN n % 50 = 0 THEN 'pending' ELSE 'verified' END FROM {hundredth};

-- name: firms
WITH p AS (
  INSERT INTO parties (id, kind, code, name, email, timezone, currency, created_at)
  SELECT md5(kind || n)::uuid, kind, 'MANY-' || kind || n, 'A firm ' || n, kind || n || '@example.com', 'Asia/Kolkata', 'INR',
    app_now() - interval '1 hour' * n
  FROM unnest('{organisation,integration,provider}'::text[]) AS kind, generate_series(0, :rows::int / 1000) AS n RETURNING id, kind, code
), o AS (
  INSERT INTO organisations (id, org_type, tier, registered_email) SELECT id, 'business', 'starter', code FROM p WHERE kind = 'organisation'
), i AS (
  INSERT INTO integrations (id, slug) SELECT id, lower(code) FROM p WHERE kind = 'integration'
)
INSERT INTO providers (id, store_currency) SELECT id, 'INR' FROM p WHERE kind = 'provider';

-- name: alerts
INSERT INTO alerts (id, kind, booking_id, technician_id, message, subject, created_at, resolved_at)
SELECT md5('alert' || n)::uuid, 'kind_' || n % 8, CASE WHEN n % 2 = 0 THEN md5('booking' || n)::uuid END,
  CASE WHEN n % 2 = 1 THEN md5('technician' || n % 6)::uuid END, 'Somebody should look.', 'MANY-' || n, made,
  CASE WHEN n % 100 > 0 THEN made + interval '1 hour' END
FROM {twentieth};

-- name: audit_log
INSERT INTO audit_log (realm, actor_id, action, resource_type, resource_id, ip, at)
SELECT 'admin', md5('account' || n % 10)::uuid::text, CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'change_' || n % 40 END,
  'type_' || n % 12, (n % 5000)::text, '10.0.0.' || n % 200, made
FROM {half};

-- name: contact_submissions
INSERT INTO contact_submissions (id, name, email, message, status, created_at)
SELECT md5('contact' || n)::uuid, 'Customer ' || n, 'c' || n || '@example.com', 'Where are you?',
  CASE WHEN n % 100 = 0 THEN 'new' ELSE 'resolved' END, made
FROM {fiftieth};

-- name: files
INSERT INTO files (id, owner_kind, owner_id, purpose, name, media_type, bytes, sha256, store_key, state, made_by, created_at)
SELECT md5('file' || n)::uuid, 'technician', md5('technician' || CASE WHEN n % 20 = 7 THEN 0 ELSE n % 500 END)::uuid,
  CASE WHEN n % 100 = 0 THEN 'export' ELSE 'document' END, 'paper ' || n || '.pdf', 'application/pdf', 1000 + n % 10000,
  sha256(n::text::bytea), 'many/' || n, 'kept', 'technician', made
FROM {tenth};

-- name: rota
INSERT INTO rota (id, account_id, starts_at, ends_at)
SELECT md5('shift' || n)::uuid, md5('account' || n % 40)::uuid, made, made + interval '8 hours' FROM {twentieth};

-- name: quotes
INSERT INTO quotes (id, number, organisation_id, service_type, description, requirements, status, currency, price_minor, valid_until,
  answered_at, created_at)
SELECT md5('quote' || n)::uuid, 'QT-MANY-' || n, md5('organisation' || CASE WHEN n % 20 = 0 THEN 0 ELSE n % (:rows::int / 1000) END)::uuid,
  'Cleaning', 'Two floors', '{}', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'accepted' END, 'INR',
  CASE WHEN n % 100 > 0 THEN 100000 END, CASE WHEN n % 100 > 0 THEN made::date END, CASE WHEN n % 100 > 0 THEN made END, made
FROM {fiftieth};

-- name: invoices
INSERT INTO invoices (id, number, organisation_id, kind, period_start, period_end, currency, subtotal_minor, discount_minor, tax_minor,
  total_minor, paid_minor, status, issued_on, due_on, paid_on, group_by, created_at)
SELECT md5('invoice' || n)::uuid, 'INV-MANY-' || n,
  md5('organisation' || CASE WHEN n % 20 = 0 THEN 0 ELSE n % (:rows::int / 1000) END)::uuid, 'requested', made::date - 30, made::date,
  'INR', 100000, 0, 18000, 118000, CASE WHEN n % 100 > 0 THEN 118000 ELSE 0 END, CASE WHEN n % 100 > 0 THEN 'paid' ELSE 'overdue' END,
  made::date, made::date + 15, CASE WHEN n % 100 > 0 THEN made::date END, 'department', made
FROM {twentieth};

-- name: invoice_payments
INSERT INTO invoice_payments (id, invoice_id, organisation_id, method, status, currency, amount_minor, applied_minor, reference,
  recorded_by, paid_on, created_at, settled_at)
SELECT md5('invoice payment' || number)::uuid, id, organisation_id, 'bank_transfer', 'success', 'INR', total_minor, total_minor, number,
  'admin', paid_on, created_at, created_at
FROM invoices WHERE status = 'paid' AND number LIKE 'INV-MANY-%' AND :rows::int > 0;

-- name: support_tickets
INSERT INTO support_tickets (id, number, organisation_id, subject, category, priority, description, status, assigned_to, due_at,
  answered_at, resolved_at, created_at)
SELECT md5('ticket' || n)::uuid, 'TK-MANY-' || n,
  md5('organisation' || CASE WHEN n % 20 = 0 THEN 0 ELSE n % (:rows::int / 1000) END)::uuid, 'A question', 'billing', 'low', 'Why?',
  CASE WHEN n % 100 = 0 THEN 'open' ELSE 'closed' END, md5('account' || n % 40)::uuid, made + interval '1 day', made + interval '1 hour',
  CASE WHEN n % 100 > 0 THEN made + interval '2 hours' END, made
FROM {twentieth};

-- name: members
-- One organisation has them all.
WITH s AS (
  INSERT INTO memberships (id, account_id, realm, party_id, role)
  SELECT md5('member' || n)::uuid, md5('account' || n)::uuid, 'organisation', md5('organisation0')::uuid, 'member' FROM {fiftieth}
)
INSERT INTO members (id, organisation_id, first_name, last_name, email, enrolled_at)
SELECT md5('member' || n)::uuid, md5('organisation0')::uuid, 'Asha', 'Sen ' || n, 'm' || n || '@example.com', made FROM {fiftieth};

-- name: job_board
-- Half of all apply to the first, the others one to each.
WITH j AS (
  INSERT INTO job_postings (id, organisation_id, title, description, categories, tiers, days, day_starts, day_ends, openings, created_at)
  SELECT md5('posting' || n)::uuid, md5('organisation0')::uuid, 'Cleaner ' || n, 'Two floors', '{Facial}', '{Minimal}', '{1}', 0, 600, 5,
    made
  FROM {fiftieth}
)
INSERT INTO job_applications (id, posting_id, member_id, phone, created_at)
SELECT md5('application' || n)::uuid, md5('posting' || CASE WHEN n % 2 = 0 THEN 1 ELSE n END)::uuid, md5('member' || n)::uuid, '+9190', made FROM {fiftieth};

-- name: programs
INSERT INTO programs (id, organisation_id, kind, name, currency, starts_on, ends_on, created_at)
SELECT md5('program' || n)::uuid, md5('organisation0')::uuid, 'wellness_program', 'Wellness ' || n, 'INR', made::date, made::date + 90, made
FROM {fiftieth};

-- name: reports
INSERT INTO report_definitions (id, organisation_id, name, metrics, format, created_at)
SELECT md5('report' || n)::uuid, md5('organisation0')::uuid, 'Report ' || n, '{bookings}', 'csv', made FROM {fiftieth};

-- name: enrolment
WITH e AS (
  INSERT INTO enrolments (id, organisation_id, made_by, role, access_level)
  VALUES (md5('enrolment')::uuid, md5('organisation0')::uuid, 'member', 'member', 'standard')
)
INSERT INTO enrolment_rows (enrolment_id, row, data) SELECT md5('enrolment')::uuid, n, '{}' FROM {fiftieth};

-- name: bulk
-- Half of what the organisation plans has one visit, and one has all the others.
WITH b AS (
  INSERT INTO bulk_bookings (id, number, organisation_id, member_id, account_id, type, status, service_id, title, category, tier,
    duration_minutes, schedule, timezone, currency, list_minor, price_minor, tax_minor, discount_pct, billed_to, created_at)
  SELECT md5('bulk' || n)::uuid, 'BB-MANY-' || n, md5('organisation0')::uuid, md5('member1')::uuid, md5('account1')::uuid, 'recurring',
    'active', md5('service1')::uuid, 'Cleaning', 'Facial', 'Minimal', 60, '{"frequency": "weekly"}', 'Asia/Kolkata', 'INR', 100000, 90000,
    0, 0, md5('organisation0')::uuid, made
  FROM {fiftieth}
), l AS (
  INSERT INTO bulk_locations (id, bulk_id, position, name, address, contact, lat, lng, is_approximate, number)
  SELECT md5('place' || n)::uuid, md5('bulk' || n)::uuid, 0, 'Floor ' || n, '{}', '{}', 22.5, 88.3, false, 'BB-MANY-' || n || '-1'
  FROM {fiftieth}
)
INSERT INTO bulk_visits (id, bulk_id, location_id, on_date, at_time)
SELECT md5('visit' || n)::uuid, md5('bulk' || k)::uuid, md5('place' || k)::uuid, made::date, time '00:00' + interval '1 minute' * (n % 1440)
FROM (SELECT n, made, CASE WHEN n % 2 = 0 THEN 1 ELSE n END AS k FROM {fiftieth}) AS v;

-- name: integration
-- One app has them all: its customers, what it paid, and its account.
WITH c AS (
  INSERT INTO integration_customers (account_id, integration_id, phone, created_at)
  SELECT md5('account' || n)::uuid, md5('integration0')::uuid, '+9170' || lpad(n::text, 8, '0'), made FROM {fiftieth}
), y AS (
  INSERT INTO integration_payments (id, integration_id, currency, amount_minor, reference, paid_on, recorded_by, created_at)
  SELECT md5('app payment' || n)::uuid, md5('integration0')::uuid, 'INR', 1000, 'MANY-' || n, made::date, 'admin', made FROM {fiftieth}
), l AS (
  INSERT INTO ledger_accounts (id, owner_kind, owner_id, type, currency)
  SELECT md5(type || ' of integration0')::uuid, 'party', md5('integration0')::uuid, type, 'INR' FROM unnest('{receivable,wallet}'::text[]) AS type
), j AS (
  INSERT INTO ledger_journals (id, kind, reference, at)
  SELECT md5('app journal' || n)::uuid, 'completion', 'app-' || n, made FROM {twentieth}
)
INSERT INTO ledger_postings (journal_id, account_id, currency, amount_minor)
SELECT md5('app journal' || n)::uuid, account, 'INR', amount
FROM {twentieth}, LATERAL (VALUES (md5('receivable of integration0')::uuid, -106200), (md5('prepaid')::uuid, 106200)) AS v (account, amount)
ORDER BY n;

-- name: webhooks
WITH w AS (
  INSERT INTO webhook_endpoints (id, owner_kind, owner_id, url, events, secret_enc, created_at)
  SELECT md5('endpoint' || n)::uuid, 'integration', md5('integration0')::uuid, 'https://example.com/' || n, '{booking.created}', '\x00',
    app_now() - interval '1 day' * n
  FROM generate_series(0, 9) AS n
)
INSERT INTO webhook_deliveries (id, endpoint_id, owner_key, type, stream, data, state, created_at, finished_at)
SELECT md5('delivery' || n)::uuid, md5('endpoint' || n % 10)::uuid, md5('integration0')::uuid, 'booking.created', 'MANY-' || n % 1000, '{}',
  CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'delivered' END, made, made
FROM {tenth};

-- name: provider
-- One provider has them all: customers, and of each line of its statement what led to it.
WITH c AS (
  INSERT INTO provider_customers (id, provider_id, account_id, name, email, source, spent_minor, transactions, created_at)
  SELECT md5('their customer' || n)::uuid, md5('provider0')::uuid, md5('account' || n)::uuid, 'Customer ' || n, 'c' || n || '@example.com',
    'payment', n % 977 * 100, n % 97, made
  FROM {fiftieth}
), l AS (
  INSERT INTO payment_links (id, provider_id, code, title, currency, created_at)
  SELECT md5('link' || n)::uuid, md5('provider0')::uuid, 'MANY-' || n, 'Massage ' || n, 'INR', made FROM {fiftieth}
), m AS (
  INSERT INTO provider_notifications (id, provider_id, type, title, message, recipients, sent, failed, created_at)
  SELECT md5('told' || n)::uuid, md5('provider0')::uuid, 'general', 'News', 'We are open.', 1, 1, 0, made FROM {fiftieth}
), p AS (
  INSERT INTO provider_plans (id, provider_id, name, amount_minor, currency, duration_days)
  VALUES (md5('plan')::uuid, md5('provider0')::uuid, 'Monthly', 100000, 'INR', 30)
), s AS (
  INSERT INTO provider_subscriptions (id, provider_id, customer_id, plan_id, status, amount_minor, currency, starts_at, ends_at, period_days,
    created_at)
  SELECT md5('subscription' || n)::uuid, md5('provider0')::uuid, md5('their customer' || n)::uuid, md5('plan')::uuid, 'expired', 100000, 'INR',
    made, made + interval '30 days', 30, made
  FROM {fiftieth}
), t AS (
  INSERT INTO provider_transactions (id, provider_id, type, category, status, amount_minor, currency, reference, customer_id, payer_name,
    method, created_at, updated_at, settled_at)
  SELECT md5('line' || n)::uuid, md5('provider0')::uuid, 'credit', 'payment_received', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'settled' END,
    1000 + n % 9973, 'INR', 'MANY-' || n, md5('their customer' || 1 + n % (:rows::int / 50))::uuid, 'Customer ' || n % 977, 'link', made, made,
    CASE WHEN n % 100 > 0 THEN made END
  FROM {tenth}
), q AS (
  INSERT INTO payment_requests (id, provider_id, customer_id, transaction_id, method, status, amount_minor, currency, reference, code,
    paid_at, created_at)
  SELECT md5('request' || n)::uuid, md5('provider0')::uuid, md5('their customer' || 1 + n % (:rows::int / 50))::uuid, md5('line' || n)::uuid,
    'link', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'paid' END, 1000, 'INR', 'MANY-' || n, 'MANY-' || n,
    CASE WHEN n % 100 > 0 THEN made END, made
  FROM {twentieth}
)
INSERT INTO manual_transactions (id, provider_id, transaction_id, method, received_on, created_at)
SELECT md5('manual' || n)::uuid, md5('provider0')::uuid, md5('line' || n)::uuid, 'cash', made::date, made FROM {twentieth};

-- name: applications
INSERT INTO provider_applications (id, name, facility_type, owner_name, email, phone, currency, timezone, status, decided_at, created_at)
SELECT md5('provider application' || n)::uuid, 'A firm ' || n, 'Clinic', 'Asha Sen', 'f' || n || '@example.com', '+9180', 'INR',
  'Asia/Kolkata', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'rejected' END, CASE WHEN n % 100 > 0 THEN made END, made
FROM {fiftieth};

-- name: payout_requests
INSERT INTO payouts (id, number, party_id, currency, total_minor, net_minor, method, status, bank_transaction_id, requested_by, earning_ids,
  created_at, is_request)
SELECT md5('asked' || n)::uuid, 'PO-MANY-' || n, md5('provider' || CASE WHEN n % 20 = 0 THEN 0 ELSE n % (:rows::int / 1000) END)::uuid, 'INR',
  63000 + n, 63000 + n, 'bank_transfer', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'completed' END, 'MANY-' || n, 'provider', '{}', made, true
FROM {fiftieth};

-- name: partners
-- The first is above a fiftieth of them, and has a twentieth of their orders.
WITH l AS (
  INSERT INTO price_lists (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1000, 'MANY', 'A price list')
), s AS (
  INSERT INTO salespeople (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1, 'MANY', 'Asha Sen')
), p AS (
  INSERT INTO parties (id, kind, code, name) SELECT md5('partner' || n)::uuid, 'trade_partner', 'CL' || n, 'Atlas ' || n FROM {tenth}
)
INSERT INTO trade_partners (party_id, no, code, name, city, parent_no, price_list_id, salesperson_id, credit_limit_minor) OVERRIDING SYSTEM VALUE
SELECT md5('partner' || n)::uuid, n, 'CL' || n, 'Atlas ' || n, CASE WHEN n % 2 = 0 THEN 'Casablanca' ELSE 'Rabat' END,
  CASE WHEN n % 50 = 2 THEN 1 END, CASE WHEN n % 50 = 3 THEN 1000 END, CASE WHEN n % 50 = 4 THEN 1 END, 100000
FROM {tenth};

-- name: orders
WITH o AS (
  INSERT INTO trade_orders (code, partner_no, status, currency, lines, subtotal_minor, discount_minor, tax_minor, total_minor, credit_minor,
    created_at, delivered_at, paid_at)
  SELECT 'MANY-' || n, CASE WHEN n % 20 = 0 THEN 1 ELSE n END,
    CASE WHEN n % 100 = 0 THEN 'CONFIRMED' ELSE 'DELIVERED' END, 'MAD', '[]', 1000, 0, 0, 1000, 0, made, CASE WHEN n % 100 > 0 THEN made END,
    CASE WHEN n % 100 > 0 THEN made END
  FROM {tenth} ORDER BY n
  RETURNING id, code, partner_no, created_at
)
INSERT INTO delivery_notes (code, order_id, partner_no, currency, total_minor, created_at)
SELECT code, id, partner_no, 'MAD', 1000, created_at FROM o ORDER BY id;

-- name: statuses
INSERT INTO trade_partner_statuses (partner_no, old, new, actor_kind, at)
SELECT 1, 'ACTIVE', 'ON_HOLD', 'admin', made FROM {fiftieth} ORDER BY n;

-- name: tidy
-- What autovacuum does between days.
VACUUM (ANALYZE);
