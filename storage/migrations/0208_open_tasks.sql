-- Work that is not over is looked for every minute.
CREATE INDEX tasks_open ON tasks (updated_at) WHERE state IN ('queued', 'running');
