-- name: record
INSERT INTO page_payments (gateway_payment_id, reference, amount_minor, currency)
VALUES (:gateway_payment_id, :reference, :amount_minor, :currency) ON CONFLICT DO NOTHING;
