-- name: insert
INSERT INTO audit_log (realm, actor_id, action, resource_type, resource_id, changes)
VALUES (:realm, :actor_id, :action, :resource_type, :resource_id, :changes);
