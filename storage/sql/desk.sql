-- name: waits
-- What has waited for longer than a day for somebody of the house, or for longer than was promised, by kind.
SELECT coalesce(array_agg(kind), '{}') FROM (VALUES
  ('organisation_waits', EXISTS (
    SELECT FROM organisations o JOIN parties p ON p.id = o.id WHERE o.status = 'pending_verification' AND p.deleted_at IS NULL
      AND (SELECT bool_and(s.completed_at IS NOT NULL AND s.completed_at < app_now() - interval '1 day') FROM onboarding_steps s WHERE s.party_id = o.id))),
  ('application_waits', EXISTS (
    SELECT FROM provider_applications WHERE status = 'pending' AND deleted_at IS NULL AND created_at < app_now() - interval '1 day')),
  ('integration_waits', EXISTS (
    SELECT FROM integrations i JOIN parties p ON p.id = i.id WHERE i.status = 'pending' AND p.deleted_at IS NULL
      AND (i.steps ->> 'activation')::timestamptz < app_now() - interval '1 day')),
  ('technician_waits', EXISTS (
    SELECT FROM technicians t JOIN parties p ON p.id = t.id WHERE t.onboarding_status = 'pending' AND t.is_active
      AND t.verification_documents <> '{}' AND p.deleted_at IS NULL AND p.created_at < app_now() - interval '1 day')),
  ('letter_waits', EXISTS (
    SELECT FROM contact_submissions WHERE status = 'new' AND created_at < app_now() - interval '1 day')),
  ('payout_waits', EXISTS (
    SELECT FROM payouts WHERE needs_review AND status = 'pending' AND created_at < app_now() - interval '1 day')),
  ('ticket_waits', EXISTS (
    SELECT FROM support_tickets WHERE answered_at IS NULL AND due_at < app_now() AND status IN ('open', 'in_progress')))
) AS w (kind, waits) WHERE waits;
