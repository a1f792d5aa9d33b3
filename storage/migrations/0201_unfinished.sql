-- Work that was begun is looked at once more when it goes on for much longer than it takes; also what is under way now.
UPDATE bookings SET next_action = 'watch', next_action_at = ends_at + interval '1 hour'
WHERE status = 'in_progress' AND next_action IS NULL;
