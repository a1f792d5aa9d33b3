-- name: insert
INSERT INTO erp_customers (account_id) VALUES (:account_id)
ON CONFLICT (account_id) DO UPDATE SET account_id = EXCLUDED.account_id RETURNING no;

-- name: find
-- The ERP's customers, those whose name, address or phone hold the text; without one the newest.
SELECT c.no, a.name, a.email, a.phone FROM erp_customers c JOIN accounts a ON a.id = c.account_id
WHERE a.erased_at IS NULL AND (:search::text IS NULL OR position(lower(:search) IN lower(a.name)) > 0
  OR position(lower(:search) IN lower(a.email)) > 0 OR position(:search IN a.phone) > 0)
ORDER BY c.no DESC LIMIT :most;

-- name: get
SELECT c.no, a.name, a.email, a.phone FROM erp_customers c JOIN accounts a ON a.id = c.account_id WHERE c.no = :no;

-- name: insert_account
-- An account that nobody has proved to own yet. Nothing where the phone or the address is somebody's.
INSERT INTO accounts (phone, email, name, password_hash)
SELECT :phone, :email, :name, :password_hash
WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE lower(email) = lower(:email) AND erased_at IS NULL)
ON CONFLICT DO NOTHING RETURNING id;

-- name: taken
-- Which of both somebody has already.
SELECT EXISTS (SELECT 1 FROM accounts WHERE lower(email) = lower(:email) AND erased_at IS NULL) AS email,
  EXISTS (SELECT 1 FROM accounts WHERE phone = :phone) AS phone;
