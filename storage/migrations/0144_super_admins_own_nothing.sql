-- A super_admin whose own permissions took something away would still count as the one who is left, and could not repair.
UPDATE memberships SET permissions = '{}' WHERE realm = 'admin' AND role = 'super_admin' AND permissions <> '{}';
ALTER TABLE memberships ADD CONSTRAINT super_admin_has_all
  CHECK (realm <> 'admin' OR role <> 'super_admin' OR permissions = '{}');
