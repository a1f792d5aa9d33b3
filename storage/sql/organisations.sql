-- part: columns
o.id, p.code, p.name, p.legal_name, p.address, p.timezone, p.currency, o.org_type, o.status, o.status_reason, o.tier,
  o.member_limit, o.member_count, o.registration_no, o.tax_id, o.industry, o.size, o.website, o.description, o.logo_url,
  o.contacts, o.program, o.account_manager_id, o.registered_email, o.member_since, o.volume_discount_pct,
  o.payment_terms_days, o.created_at

-- part: source
organisations o JOIN parties p ON p.id = o.id

-- part: everybodys
FROM organisations o JOIN parties p ON p.id = o.id WHERE p.deleted_at IS NULL

-- name: insert_party
INSERT INTO parties (kind, code, name, legal_name, email, phone, address, timezone, currency)
VALUES ('organisation', :code, :name, :legal_name, :email, :phone, :address, :timezone, :currency) RETURNING id;

-- name: insert
INSERT INTO organisations (id, org_type, tier, registration_no, tax_id, industry, size, website, contacts, program,
  account_manager_id, registered_email)
VALUES (:id, :org_type, :tier, :registration_no, :tax_id, :industry, :size, :website, :contacts, :program,
  :account_manager_id, :registered_email);

-- name: get
SELECT {columns} FROM {source} WHERE o.id = :id AND p.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE o.id = :id AND p.deleted_at IS NULL FOR UPDATE OF o;

-- name: change
UPDATE organisations SET industry = :industry, size = :size, website = :website, description = :description,
  logo_url = :logo_url, registration_no = :registration_no, tax_id = :tax_id, contacts = :contacts, updated_at = app_now()
WHERE id = :id;

-- name: change_party
UPDATE parties SET name = :name, legal_name = :legal_name, email = :email, phone = :phone, address = :address,
  timezone = :timezone, updated_at = app_now()
WHERE id = :id;

-- name: set_status
-- The day of the first verification stays what membership is counted from.
UPDATE organisations SET status = :status, status_reason = :reason, updated_at = app_now(),
  member_since = CASE WHEN :status = 'active' THEN coalesce(member_since, :today) ELSE member_since END,
  verified_by = CASE WHEN :status = 'active' THEN coalesce(verified_by, :actor) ELSE verified_by END
WHERE id = :id AND status <> :status RETURNING id;

-- name: set_tier
UPDATE organisations SET tier = :tier, updated_at = app_now() WHERE id = :id;

-- name: set_account_manager
UPDATE organisations SET account_manager_id = :account_id, updated_at = app_now() WHERE id = :id;

-- name: set_terms
UPDATE organisations SET volume_discount_pct = :volume_discount_pct, payment_terms_days = :payment_terms_days,
  updated_at = app_now() WHERE id = :id;

-- name: least_busy_manager
-- Of the staff who look after people, whoever has the fewest organisations.
SELECT m.account_id FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.realm = 'admin' AND m.status = 'active' AND a.is_active AND a.erased_at IS NULL
ORDER BY m.role = 'support' DESC, (SELECT count(*) FROM organisations o WHERE o.account_manager_id = m.account_id),
  m.created_at LIMIT 1;

-- name: manager
-- Somebody of the staff, as an organisation's account manager.
SELECT a.id, a.name, a.email, a.phone FROM accounts a
WHERE a.id = :account_id AND a.erased_at IS NULL AND EXISTS (
  SELECT FROM memberships m WHERE m.account_id = a.id AND m.realm = 'admin' AND m.status = 'active');
