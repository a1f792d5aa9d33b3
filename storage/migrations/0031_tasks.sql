-- Work that happens later: what was asked for, how far it is, and how it ended. pgqueuer only says when.
CREATE TABLE tasks (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind        text NOT NULL,
  -- Asking for the same once more finds the row that is there.
  key         text UNIQUE,
  payload     jsonb NOT NULL DEFAULT '{}',
  -- Who asked, as kind:id; who may ask how far it is.
  owner       text,
  state       text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'held')),
  attempts    int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  done        bigint NOT NULL DEFAULT 0 CHECK (done >= 0),
  total       bigint CHECK (total >= 0),
  note        text,
  result      jsonb,
  error       text,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  CHECK ((state IN ('done', 'held')) = (finished_at IS NOT NULL)),
  CHECK (state <> 'held' OR error IS NOT NULL)
);
CREATE INDEX tasks_owner ON tasks (owner, created_at DESC) WHERE owner IS NOT NULL;
CREATE INDEX tasks_held ON tasks (finished_at) WHERE state = 'held';
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;
