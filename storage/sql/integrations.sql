-- part: columns
i.id, p.name, p.email, p.phone, i.slug, i.partner_type, i.status, i.business_info, i.webhook_url, i.callback_url, i.tags,
  i.steps, i.key_id, k.public_key AS client_id, i.monthly_limit, i.burst_limit, i.is_billed, i.last_request_at,
  i.activated_at, p.created_at, p.updated_at

-- part: source
integrations i JOIN parties p ON p.id = i.id LEFT JOIN api_clients k ON k.id = i.key_id

-- part: of_staff
FROM integrations i JOIN parties p ON p.id = i.id WHERE p.kind = 'integration' AND p.deleted_at IS NULL

-- name: lock_slug
-- Two that look for a free slug of one stem wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended('slug:' || :stem::text, 0));

-- name: slugs_of
-- What is taken of a stem: itself, and itself with a number. Slugs of deleted ones stay theirs.
SELECT coalesce(array_agg(slug), '{}') FROM integrations WHERE slug = :stem OR slug LIKE :stem || '-%';

-- name: insert_party
INSERT INTO parties (kind, code, name, email, phone) VALUES ('integration', :slug, :name, :email, :phone) RETURNING id;

-- name: insert
INSERT INTO integrations (id, slug, partner_type, business_info, onboarding_hash, onboarding_until, steps)
VALUES (:id, :slug, :partner_type, :business_info, :onboarding_hash,
        clock_timestamp() + make_interval(secs => :onboarding_s::float8), jsonb_build_object('basic_info', app_now()));

-- name: get
SELECT {columns} FROM {source} WHERE i.id = :id AND p.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE i.id = :id AND p.deleted_at IS NULL FOR UPDATE OF i;

-- name: by_slug
SELECT {columns} FROM {source} WHERE i.slug = :slug AND p.deleted_at IS NULL;

-- name: id_of_email
SELECT id FROM parties WHERE kind = 'integration' AND lower(email) = lower(:email) AND deleted_at IS NULL;

-- name: id_of_token
-- Whose onboarding a token is for, while it goes on.
SELECT i.id FROM integrations i JOIN parties p ON p.id = i.id
WHERE i.onboarding_hash = :onboarding_hash AND i.onboarding_until > clock_timestamp() AND p.deleted_at IS NULL;

-- name: managed_by
SELECT {columns} FROM {source} JOIN memberships m ON m.party_id = i.id AND m.realm = 'integration'
WHERE m.account_id = :account_id AND m.status = 'active' AND p.deleted_at IS NULL ORDER BY p.created_at DESC, i.id;

-- name: managers
SELECT m.id AS membership_id, a.email FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.party_id = :id AND m.realm = 'integration' AND m.status <> 'removed' ORDER BY m.id FOR UPDATE OF m;

-- name: end_manager
UPDATE memberships SET status = 'removed', updated_at = app_now() WHERE id = :membership_id AND realm = 'integration';

-- name: set_head
UPDATE parties SET name = :name, email = :email, phone = :phone, updated_at = app_now() WHERE id = :id;

-- name: set_details
UPDATE integrations SET partner_type = :partner_type, business_info = :business_info, tags = :tags WHERE id = :id;

-- name: set_urls
UPDATE integrations SET webhook_url = :webhook_url, callback_url = :callback_url WHERE id = :id;

-- name: set_key
UPDATE integrations SET key_id = :key_id WHERE id = :id AND key_id IS NULL RETURNING id;

-- name: done
-- A step that was done keeps the time of its first doing.
UPDATE integrations SET steps = jsonb_build_object(:step::text, app_now()) || steps WHERE id = :id;

-- name: set_token
UPDATE integrations SET onboarding_hash = :onboarding_hash,
  onboarding_until = clock_timestamp() + make_interval(secs => :onboarding_s::float8) WHERE id = :id;

-- name: end_onboarding
UPDATE integrations SET onboarding_hash = NULL, onboarding_until = NULL WHERE id = :id;

-- name: set_status
UPDATE integrations SET status = :status,
  activated_at = CASE WHEN :status = 'active' THEN coalesce(activated_at, app_now()) ELSE activated_at END
WHERE id = :id AND status = ANY(:sources::text[]) RETURNING id;

-- name: set_limits
-- Of another limit of the month it is told anew.
UPDATE integrations SET monthly_limit = :monthly_limit, burst_limit = :burst_limit, is_billed = :is_billed,
  alert_month = CASE WHEN monthly_limit = :monthly_limit THEN alert_month END,
  alert_percent = CASE WHEN monthly_limit = :monthly_limit THEN alert_percent END
WHERE id = :id;

-- name: delete
WITH gone AS (UPDATE integrations SET deleted_by = :deleted_by, onboarding_hash = NULL, onboarding_until = NULL WHERE id = :id)
UPDATE parties SET deleted_at = app_now(), updated_at = app_now() WHERE id = :id AND deleted_at IS NULL RETURNING deleted_at;

-- name: add_document
INSERT INTO integration_documents (integration_id, type, name, url, file_id)
VALUES (:integration_id, :type, :name, :url, :file_id) RETURNING id;

-- name: documents
SELECT id, type, name, url, file_id, created_at FROM integration_documents
WHERE integration_id = :integration_id ORDER BY created_at, id;

-- name: drop_linked
DELETE FROM integration_documents WHERE integration_id = :integration_id AND url IS NOT NULL;

-- name: drop_document
DELETE FROM integration_documents WHERE integration_id = :integration_id AND id = :id
RETURNING id, type, name, url, file_id, created_at;

-- name: add_note
INSERT INTO integration_notes (integration_id, content, added_by) VALUES (:integration_id, :content, :added_by)
RETURNING id;

-- name: notes
SELECT n.id, n.content, n.added_by, a.name AS author, n.created_at
FROM integration_notes n LEFT JOIN accounts a ON a.id = n.added_by
WHERE n.integration_id = :integration_id ORDER BY n.created_at DESC, n.id DESC LIMIT :most;
