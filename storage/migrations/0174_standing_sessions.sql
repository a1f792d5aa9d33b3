-- The sessions that give access: not revoked, not over, and their subject neither blocked nor gone. Asked of one request
-- with what it may, and of thousands of open sockets without.
CREATE VIEW standing_sessions AS
SELECT s.id, s.realm, s.subject_id
FROM sessions s
WHERE s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
  AND CASE s.realm
    -- A service is nobody who could be blocked: its tokens are ended.
    WHEN 'service' THEN true
    WHEN 'customer' THEN EXISTS (
      SELECT FROM accounts a WHERE a.id = s.subject_id AND a.is_active AND a.erased_at IS NULL)
    WHEN 'technician' THEN EXISTS (
      SELECT FROM technicians t JOIN parties p ON p.id = t.id
      WHERE t.id = s.subject_id AND t.is_active AND t.onboarding_status = 'verified' AND p.deleted_at IS NULL)
    WHEN 'admin' THEN EXISTS (
      SELECT FROM accounts a JOIN memberships m ON m.account_id = a.id
      WHERE a.id = s.subject_id AND a.is_active AND a.erased_at IS NULL AND m.realm = s.realm AND m.status = 'active')
    -- Members of a party sign in as their membership; the ERP is the house's own and nobody's party.
    ELSE EXISTS (
      SELECT FROM memberships m JOIN accounts a ON a.id = m.account_id LEFT JOIN parties p ON p.id = m.party_id
      WHERE m.id = s.subject_id AND a.is_active AND a.erased_at IS NULL AND m.realm = s.realm AND m.status = 'active'
        AND p.deleted_at IS NULL AND (p.id IS NOT NULL OR m.realm = 'erp'))
  END;
