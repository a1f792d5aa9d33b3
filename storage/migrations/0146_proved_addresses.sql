-- A password proves whose an address is only where it came from that mailbox: by a link, or a code that was sent there.
ALTER TABLE accounts ADD COLUMN email_is_proved boolean NOT NULL DEFAULT false;
-- Until now all passwords came so, but for those that the ERP chose for the customers that it made.
UPDATE accounts a SET email_is_proved = true
WHERE a.password_hash IS NOT NULL AND (
  NOT EXISTS (SELECT FROM erp_customers c WHERE c.account_id = a.id)
  OR EXISTS (SELECT FROM password_links l WHERE l.account_id = a.id AND l.membership_id IS NULL AND l.used_at IS NOT NULL));
