-- Whoever enrols people knows no phone to be theirs: it stands with the member, and in an account only once a code proved it.
-- Accounts that an enrolment made for a phone give it up, so that its owner's first sign-in makes an account of their own.
UPDATE accounts a SET phone = NULL, updated_at = app_now()
WHERE a.phone IS NOT NULL AND NOT a.is_verified AND a.erased_at IS NULL
  AND EXISTS (SELECT FROM memberships s JOIN members m ON m.id = s.id WHERE s.account_id = a.id AND m.phone = a.phone)
  AND NOT EXISTS (SELECT FROM erp_customers c WHERE c.account_id = a.id);

CREATE INDEX members_phone ON members (phone) WHERE phone IS NOT NULL AND removed_at IS NULL;

-- Who answers a code is known by the phone that organisations wrote down, and no longer only invited. Each sign-in says so
-- again: it may have begun before the enrolment was there to be seen.
CREATE FUNCTION phones_join() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE memberships s SET status = 'active' FROM members m
  WHERE m.phone = NEW.phone AND m.removed_at IS NULL AND s.id = m.id AND s.realm = 'organisation' AND s.status = 'pending';
  RETURN NULL;
END $$;
CREATE TRIGGER accounts_phone_join AFTER INSERT OR UPDATE OF phone, is_verified ON accounts FOR EACH ROW
  WHEN (NEW.is_verified AND NEW.is_active AND NEW.phone IS NOT NULL) EXECUTE FUNCTION phones_join();
