-- name: insert
INSERT INTO contact_submissions (account_id, name, email, phone, subject, message)
VALUES (:account_id, :name, :email, :phone, :subject, :message) RETURNING id;
