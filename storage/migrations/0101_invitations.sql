-- A link that sets a password may also be the answer to an invitation: using it makes the membership an active one.
ALTER TABLE password_links
  ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN membership_id uuid REFERENCES memberships (id);
CREATE INDEX password_links_membership ON password_links (membership_id) WHERE membership_id IS NOT NULL AND used_at IS NULL;
