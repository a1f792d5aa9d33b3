-- name: take
INSERT INTO document_sequences (code, period, last_value) VALUES (:code, :period, :first)
ON CONFLICT (code, period) DO UPDATE SET last_value = document_sequences.last_value + 1
RETURNING last_value;
