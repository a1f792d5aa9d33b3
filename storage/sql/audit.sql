-- name: insert
INSERT INTO audit_log (realm, actor_id, action, resource_type, resource_id, changes, ip, user_agent)
VALUES (:realm, :actor_id, :action, :resource_type, :resource_id, :changes, :ip, :user_agent);

-- name: head
SELECT seq, hash FROM audit_head;

-- name: broken
-- Links that are not what their entry and the link before make, and numbers that are missing; each with its entry.
-- A link whose predecessor is missing is judged by the gap alone.
SELECT coalesce(c.seq, 0) AS seq, coalesce(c.audit_id, a.id) AS audit_id,
       CASE WHEN c.seq IS NULL THEN 'unchained' WHEN a.id IS NULL THEN 'missing' ELSE 'changed' END AS fault
FROM (SELECT seq, audit_id, hash, lag(seq, 1, 0::bigint) OVER w AS before_seq,
             lag(hash, 1, ''::bytea) OVER w AS before_hash FROM audit_chain WINDOW w AS (ORDER BY seq)) c
  FULL JOIN audit_log a ON a.id = c.audit_id
WHERE c.seq IS NULL OR a.id IS NULL
   OR c.before_seq = c.seq - 1 AND c.hash <> audit_link(c.before_hash, c.seq, a)
ORDER BY 1, 2 LIMIT :limit;

-- name: gaps
-- Numbers that no link has: entry and link are both gone.
SELECT from_seq, to_seq FROM (
  SELECT lag(seq, 1, 0::bigint) OVER (ORDER BY seq) + 1 AS from_seq, seq - 1 AS to_seq FROM (
    SELECT seq FROM audit_chain UNION ALL SELECT seq + 1 FROM audit_head) s) g
WHERE to_seq >= from_seq ORDER BY from_seq LIMIT :limit;

-- name: end_differs
-- Whether the last link is another than the head says.
SELECT c.hash <> h.hash FROM audit_head h JOIN audit_chain c ON c.seq = h.seq;

-- part: columns
l.id, l.key, l.realm, l.actor_id, a.name AS actor_name, a.email AS actor_email, l.action, l.resource_type, l.resource_id,
l.changes, l.ip, l.user_agent, l.at

-- part: source
audit_log l LEFT JOIN accounts a ON l.realm <> 'service' AND a.id = uuid_of(l.actor_id)

-- part: all
FROM audit_log l WHERE true
