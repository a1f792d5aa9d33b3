-- part: columns
p.id, p.name, p.description, p.days, p.is_credit, p.is_cash, p.is_bank_transfer

-- name: every
SELECT {columns} FROM payment_terms p ORDER BY p.id LIMIT :most;

-- name: get
SELECT {columns} FROM payment_terms p WHERE p.id = :id;

-- name: lock
SELECT {columns} FROM payment_terms p WHERE p.id = :id FOR UPDATE;

-- name: insert
INSERT INTO payment_terms AS p (name, description, days, is_credit, is_cash, is_bank_transfer)
VALUES (:name, :description, :days, :is_credit, :is_cash, :is_bank_transfer)
ON CONFLICT ((lower(name))) DO NOTHING RETURNING {columns};

-- name: save
UPDATE payment_terms AS p SET name = :name, description = :description, days = :days, is_credit = :is_credit,
  is_cash = :is_cash, is_bank_transfer = :is_bank_transfer, updated_at = app_now()
WHERE p.id = :id RETURNING {columns};

-- name: delete
DELETE FROM payment_terms WHERE id = :id AND NOT EXISTS (SELECT 1 FROM trade_partner_terms WHERE term_id = :id);

-- name: of_partner
-- The default one first.
SELECT {columns}, l.is_default FROM trade_partner_terms l JOIN payment_terms p ON p.id = l.term_id
WHERE l.partner_no = :partner_no ORDER BY l.is_default DESC, p.id;

-- name: available
SELECT {columns} FROM payment_terms p
WHERE NOT EXISTS (SELECT 1 FROM trade_partner_terms l WHERE l.term_id = p.id AND l.partner_no = :partner_no) ORDER BY p.id LIMIT :most;

-- name: attach
-- The first one of a partner is its default.
INSERT INTO trade_partner_terms (partner_no, term_id, is_default)
VALUES (:partner_no, :term_id, NOT EXISTS (SELECT 1 FROM trade_partner_terms WHERE partner_no = :partner_no AND is_default))
ON CONFLICT (partner_no, term_id) DO NOTHING;

-- name: undefault
UPDATE trade_partner_terms SET is_default = false WHERE partner_no = :partner_no AND is_default AND term_id <> :term_id;

-- name: set_default
UPDATE trade_partner_terms SET is_default = true WHERE partner_no = :partner_no AND term_id = :term_id;

-- name: detach
DELETE FROM trade_partner_terms WHERE partner_no = :partner_no AND term_id = :term_id AND NOT is_default;
