-- name: put
INSERT INTO billing_settings (organisation_id, billing_cycle, billing_day, payment_terms, terms_days, primary_method,
  backup_method, invoice_format, group_by, recipients, auto_payment, auto_payment_method)
VALUES (:organisation_id, :billing_cycle, :billing_day, :payment_terms, :terms_days, :primary_method, :backup_method,
  :invoice_format, :group_by, :recipients, :auto_payment, :auto_payment_method)
ON CONFLICT (organisation_id) DO UPDATE SET billing_cycle = excluded.billing_cycle, billing_day = excluded.billing_day,
  payment_terms = excluded.payment_terms, terms_days = excluded.terms_days, primary_method = excluded.primary_method,
  backup_method = excluded.backup_method, invoice_format = excluded.invoice_format, group_by = excluded.group_by,
  recipients = excluded.recipients, auto_payment = excluded.auto_payment,
  auto_payment_method = excluded.auto_payment_method, updated_at = app_now();

-- name: get
-- Who has set nothing yet is billed as the columns' defaults say. Flexible terms that staff granted go before.
SELECT o.id AS organisation_id, coalesce(s.billing_cycle, 'monthly') AS billing_cycle, coalesce(s.billing_day, 1) AS billing_day,
  coalesce(s.payment_terms, 'net_30') AS payment_terms, coalesce(o.payment_terms_days, s.terms_days, 30) AS terms_days,
  coalesce(s.primary_method, 'bank_transfer') AS primary_method, s.backup_method,
  coalesce(s.invoice_format, 'detailed') AS invoice_format, coalesce(s.group_by, 'service') AS group_by,
  coalesce(s.recipients, '{}') AS recipients,
  coalesce(s.auto_payment, false) AS auto_payment, s.auto_payment_method,
  s.organisation_id IS NOT NULL AS is_chosen
FROM organisations o LEFT JOIN billing_settings s ON s.organisation_id = o.id WHERE o.id = :organisation_id;
