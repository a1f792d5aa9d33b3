-- part: columns
c.account_id AS id, c.integration_id, a.name, c.phone, a.email, c.created_at,
  (SELECT count(*) FROM bookings b WHERE b.account_id = c.account_id) AS bookings

-- part: source
integration_customers c JOIN accounts a ON a.id = c.account_id

-- part: of_integration
FROM integration_customers c JOIN accounts a ON a.id = c.account_id
WHERE c.integration_id = :integration_id AND a.erased_at IS NULL

-- name: lock_phone
SELECT pg_advisory_xact_lock(hashtextextended('integration customer:' || :integration_id::uuid::text || :phone::text, 0));

-- name: by_phone
SELECT {columns} FROM {source} WHERE c.integration_id = :integration_id AND c.phone = :phone;

-- name: get
SELECT {columns} FROM {source} WHERE c.integration_id = :integration_id AND c.account_id = :id AND a.erased_at IS NULL;

-- name: owner_of
-- Whether somebody is a customer of this app, and may be served.
SELECT a.is_active FROM integration_customers c JOIN accounts a ON a.id = c.account_id
WHERE c.integration_id = :integration_id AND c.account_id = :id AND a.erased_at IS NULL;

-- name: insert
INSERT INTO integration_customers (account_id, integration_id, phone) VALUES (:account_id, :integration_id, :phone);

-- name: set_phone
UPDATE integration_customers SET phone = :phone WHERE account_id = :id AND integration_id = :integration_id;

-- name: insert_account
-- Not verified, and without a phone of its own: nobody signs in to it.
INSERT INTO accounts (name, email) VALUES (:name, :email) RETURNING id;

-- name: billed_for
-- The app that pays for an account, where the house sends it a bill.
SELECT c.integration_id FROM integration_customers c JOIN integrations i ON i.id = c.integration_id
WHERE c.account_id = :account_id AND i.is_billed;
