-- Series know their program by a later migration, which also says whose it is.
ALTER TABLE bulk_bookings DROP COLUMN program_id;

-- `discount_pct` is what an organisation asks for; prices go by what staff have agreed to.
ALTER TABLE preferred_providers
  ADD COLUMN agreed_pct numeric(5, 2) NOT NULL DEFAULT 0 CHECK (agreed_pct BETWEEN 0 AND 100);

-- Whether a program has ended follows from its days.
UPDATE programs SET status = 'inactive' WHERE status = 'ended';
ALTER TABLE programs DROP CONSTRAINT programs_status_check,
  ADD CONSTRAINT programs_status_check CHECK (status IN ('active', 'inactive'));

-- Whoever cancels later than so many hours before the start has used the credit. `used_minor` is what was booked under
-- the budget, in a row that bookings wait for.
ALTER TABLE programs DROP COLUMN cancellation,
  ADD COLUMN cancel_hours int CHECK (cancel_hours BETWEEN 0 AND 720),
  ADD COLUMN used_minor bigint NOT NULL DEFAULT 0;
UPDATE programs g SET used_minor = u.minor
FROM (SELECT program_id, sum(amount_minor)::bigint AS minor FROM program_uses WHERE state = 'used' GROUP BY program_id) u
WHERE u.program_id = g.id;
-- What was booked beyond a budget stands: nothing more is, until somebody raises it.
UPDATE programs SET budget_minor = used_minor WHERE budget_minor < used_minor;
ALTER TABLE programs
  ADD CONSTRAINT program_budget_never_passed CHECK (used_minor >= 0 AND used_minor <= budget_minor);
