-- name: record
INSERT INTO page_payments (gateway_payment_id, reference, amount_minor, currency)
VALUES (:gateway_payment_id, :reference, :amount_minor, :currency) ON CONFLICT DO NOTHING;

-- name: owner_of
-- The payment of an invoice, or the bill, that a payment of the gateway was for.
SELECT reference FROM page_payments WHERE gateway_payment_id = :gateway_payment_id;
