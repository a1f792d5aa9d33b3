-- Work that was begun is looked at once more when it goes on for much longer than it takes; also what is under way now.
-- Not at once: nodes of the version before have no such look, and all that was ever forgotten is not told in one minute.
UPDATE bookings SET next_action = 'watch', watch = NULL,
  next_action_at = greatest(ends_at + interval '1 hour', app_now() + interval '1 hour' * (1 + random()))
WHERE status = 'in_progress' AND next_action IS NULL;
