-- part: columns
n.id, n.type, n.title, n.message, n.link, n.metadata, n.recipients, n.sent, n.failed, n.created_at

-- part: source
provider_notifications n

-- part: of_provider
FROM provider_notifications n WHERE n.provider_id = :provider_id

-- name: insert
INSERT INTO provider_notifications AS n (id, provider_id, type, title, message, link, metadata, recipients, sent, failed)
VALUES (:id, :provider_id, :type, :title, :message, :link, :metadata, :recipients, :sent, :failed) RETURNING {columns};
