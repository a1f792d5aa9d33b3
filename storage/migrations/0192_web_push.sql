-- Pages that take pushes: a browser's own address at its push service, and the keys that what is sent there is sealed with.

ALTER TABLE push_tokens
  ADD COLUMN kind text NOT NULL DEFAULT 'app' CHECK (kind IN ('app', 'page')),
  ADD COLUMN p256dh text,
  ADD COLUMN auth text,
  ADD CONSTRAINT push_tokens_sealed CHECK ((kind = 'page') = (p256dh IS NOT NULL) AND (p256dh IS NULL) = (auth IS NULL));
