-- A token that was minted for a service is a sign-in too, so that it can be ended before it runs out.
ALTER TABLE sessions DROP CONSTRAINT sessions_realm_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_realm_check CHECK (
  realm IN ('customer', 'technician', 'admin', 'organisation', 'provider', 'erp', 'integration', 'service'));
