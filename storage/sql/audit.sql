-- name: insert
INSERT INTO audit_log (realm, actor_id, action, resource_type, resource_id, changes, ip, user_agent)
VALUES (:realm, :actor_id, :action, :resource_type, :resource_id, :changes, :ip, :user_agent);

-- name: head
SELECT seq, hash FROM audit_head;

-- name: broken
-- Of these numbers: links that are not what their entry and the link before make, and links whose entry is missing. A link whose
-- predecessor is missing is judged by the gap alone.
SELECT c.seq, c.audit_id, CASE WHEN a.id IS NULL THEN 'missing' ELSE 'changed' END AS fault
FROM (SELECT seq, audit_id, hash, lag(seq, 1, 0::bigint) OVER w AS before_seq, lag(hash, 1, ''::bytea) OVER w AS before_hash
      FROM audit_chain WHERE seq BETWEEN :first::bigint - 1 AND :last WINDOW w AS (ORDER BY seq)) c
  LEFT JOIN audit_log a ON a.id = c.audit_id
WHERE c.seq >= :first AND (a.id IS NULL OR c.before_seq = c.seq - 1 AND c.hash <> audit_link(c.before_hash, c.seq, a))
ORDER BY c.seq LIMIT :limit;

-- name: gaps
-- Of these numbers those that no link has: entry and link are both gone.
SELECT from_seq, to_seq FROM (
  SELECT lag(seq, 1, :first::bigint - 1) OVER (ORDER BY seq) + 1 AS from_seq, seq - 1 AS to_seq FROM (
    SELECT seq FROM audit_chain WHERE seq BETWEEN :first AND :last UNION ALL SELECT :last::bigint + 1) s) g
WHERE to_seq >= from_seq ORDER BY from_seq LIMIT :limit;

-- name: unchained
-- Entries that no link knows, among those that came after the one before these numbers, up to the last of them; at the end all later
-- ones too. Whatever order ids have, ranges one after the other leave none out.
SELECT 0::bigint AS seq, a.id AS audit_id, 'unchained' AS fault FROM audit_log a
WHERE a.id > coalesce((SELECT audit_id FROM audit_chain WHERE seq = :first::bigint - 1), 0)
  AND (:is_end::boolean OR a.id <= coalesce((SELECT audit_id FROM audit_chain WHERE seq = :last), 9223372036854775807))
  AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
ORDER BY a.id LIMIT :limit;

-- name: end_differs
-- Whether the last link is another than the head says.
SELECT c.hash <> h.hash FROM audit_head h JOIN audit_chain c ON c.seq = h.seq;

-- name: link
SELECT hash FROM audit_chain WHERE seq = :seq;

-- name: mark
SELECT seq, hash, seal FROM audit_mark;

-- name: put_mark
-- Only in place of the one that is known: of two who move it at once one does.
INSERT INTO audit_mark AS m (seq, hash, seal) VALUES (:seq, :hash, :seal)
ON CONFLICT (only_row) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash, seal = EXCLUDED.seal WHERE m.seal = :known_seal;

-- part: columns
l.id, l.key, l.realm, l.actor_id, a.name AS actor_name, a.email AS actor_email, l.action, l.resource_type, l.resource_id,
l.changes, l.ip, l.user_agent, l.at

-- part: source
audit_log l LEFT JOIN accounts a ON l.realm <> 'service' AND a.id = uuid_of(l.actor_id)

-- part: all
FROM audit_log l WHERE true
