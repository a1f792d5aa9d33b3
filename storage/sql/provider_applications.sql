-- part: columns
a.id, a.status, a.name, a.facility_type, a.owner_name, a.email, a.phone, a.address, a.services, a.description, a.currency, a.timezone,
  a.reason, a.provider_id, a.decided_at, a.created_at

-- part: source
provider_applications a

-- part: every
FROM provider_applications a WHERE a.deleted_at IS NULL

-- name: insert
-- No row: this address has an open one.
INSERT INTO provider_applications AS a (name, facility_type, owner_name, email, phone, address, services, description, currency, timezone)
VALUES (:name, :facility_type, :owner_name, :email, :phone, :address, :services, :description, :currency, :timezone)
ON CONFLICT (lower(email)) WHERE status = 'pending' AND deleted_at IS NULL DO NOTHING
RETURNING {columns};

-- name: open_of
SELECT {columns} FROM {source} WHERE lower(a.email) = lower(:email) AND a.status = 'pending' AND a.deleted_at IS NULL;

-- name: get
SELECT {columns} FROM {source} WHERE a.id = :id AND a.deleted_at IS NULL;

-- name: lock
SELECT {columns} FROM {source} WHERE a.id = :id AND a.deleted_at IS NULL FOR UPDATE;

-- name: approve
UPDATE provider_applications SET status = 'approved', provider_id = :provider_id, decided_at = app_now()
WHERE id = :id AND status = 'pending';

-- name: reject
UPDATE provider_applications SET status = 'rejected', reason = :reason, decided_at = app_now() WHERE id = :id AND status = 'pending';

-- name: remove
-- What people wrote goes with it.
UPDATE provider_applications SET deleted_at = app_now(), owner_name = '', email = '', phone = '', address = '{}', description = ''
WHERE id = :id AND deleted_at IS NULL;
