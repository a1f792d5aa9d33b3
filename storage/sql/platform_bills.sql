-- part: columns
b.id, b.number, b.provider_id, b.plan_name, b.starts_on, b.ends_on, b.amount_minor, b.currency, b.status, b.issued_on, b.due_on,
  b.paid_by, b.paid_at, b.gateway_link_id, b.url, b.link_is_open, b.created_at

-- name: subscription
SELECT s.provider_id, s.plan_id, p.name AS plan_name, p.monthly_minor, p.yearly_minor, s.next_on, s.billing_day, s.next_plan_id,
  n.name AS next_plan_name, s.is_ending
FROM platform_subscriptions s JOIN platform_plans p ON p.id = s.plan_id LEFT JOIN platform_plans n ON n.id = s.next_plan_id
WHERE s.provider_id = :provider_id;

-- name: subscribe
-- Begins, or goes on with the next bill.
INSERT INTO platform_subscriptions (provider_id, plan_id, next_on, billing_day)
VALUES (:provider_id, :plan_id, :next_on, :billing_day)
ON CONFLICT (provider_id) DO UPDATE SET plan_id = EXCLUDED.plan_id, next_on = EXCLUDED.next_on, next_plan_id = NULL;

-- name: plan_next
UPDATE platform_subscriptions SET next_plan_id = :next_plan_id, is_ending = :is_ending WHERE provider_id = :provider_id;

-- name: end
DELETE FROM platform_subscriptions WHERE provider_id = :provider_id;

-- name: due
-- Whose next bill's day has come where they are.
SELECT s.provider_id FROM platform_subscriptions s JOIN parties p ON p.id = s.provider_id
WHERE s.next_on <= (app_now() + interval '1 day')::date AND s.next_on <= (app_now() AT TIME ZONE p.timezone)::date AND p.deleted_at IS NULL
ORDER BY s.next_on, s.provider_id LIMIT :most;

-- name: insert
INSERT INTO platform_bills AS b (number, provider_id, plan_id, plan_name, starts_on, ends_on, amount_minor, currency, issued_on, due_on)
VALUES (:number, :provider_id, :plan_id, :plan_name, :starts_on, :ends_on, :amount_minor, :currency, :issued_on, :due_on)
RETURNING {columns};

-- name: get
SELECT {columns} FROM platform_bills b WHERE b.id = :id;

-- name: of_link
-- By the gateway's id, or by our own reference, should we never have learnt the id.
SELECT {columns} FROM platform_bills b WHERE b.gateway_link_id = :gateway_link_id OR b.id = :reference::uuid;

-- name: by_number
SELECT {columns} FROM platform_bills b WHERE b.provider_id = :provider_id AND b.number = :number;

-- name: open_of
SELECT {columns} FROM platform_bills b WHERE b.provider_id = :provider_id AND b.status = 'open';

-- name: unpaid_since
-- How many bills of a provider came to nothing, by the days that they were made on.
SELECT count(*)::int FROM platform_bills WHERE provider_id = :provider_id AND status = 'void' AND issued_on > :since;

-- name: newest
SELECT {columns} FROM platform_bills b WHERE b.provider_id = :provider_id AND b.status <> 'void'
ORDER BY b.created_at DESC, b.id DESC LIMIT :most;

-- name: open
-- The first to be due come first, so that each is reached by its last day.
SELECT b.provider_id FROM platform_bills b WHERE b.status = 'open' ORDER BY b.due_on, b.provider_id LIMIT :most;

-- name: claim_links
-- Those with a page at the gateway, first those that were asked about longest ago; another node gets others.
WITH due AS (
  SELECT id FROM platform_bills WHERE link_is_open ORDER BY asked_at NULLS FIRST, created_at LIMIT :most FOR UPDATE SKIP LOCKED)
UPDATE platform_bills b SET asked_at = app_now() FROM due WHERE b.id = due.id RETURNING {columns};

-- name: pay
UPDATE platform_bills SET status = 'paid', paid_by = :paid_by, paid_at = app_now() WHERE id = :id AND status = 'open';

-- name: void
UPDATE platform_bills SET status = 'void' WHERE id = :id AND status = 'open';

-- name: linked
UPDATE platform_bills b SET gateway_link_id = :gateway_link_id, url = :url, link_is_open = true
WHERE b.id = :id AND (b.gateway_link_id IS NULL OR b.gateway_link_id = :gateway_link_id) RETURNING {columns};

-- name: link_over
-- `surplus_minor`: what came at it besides. No row: that is known already.
UPDATE platform_bills SET link_is_open = false, surplus_minor = :surplus_minor WHERE id = :id AND link_is_open;
