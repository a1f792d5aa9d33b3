-- part: columns
l.id, l.provider_id, l.code, l.title, l.description, l.amount_minor, l.currency, l.status, l.redirect_url,
  (SELECT count(*) FROM payment_requests q WHERE q.link_id = l.id AND q.status = 'paid') AS payments, l.created_at, l.updated_at

-- part: source
payment_links l

-- part: of_provider
FROM payment_links l WHERE l.provider_id = :provider_id

-- name: insert
INSERT INTO payment_links AS l (provider_id, code, title, description, amount_minor, currency, redirect_url)
VALUES (:provider_id, :code, :title, :description, :amount_minor, :currency, :redirect_url) RETURNING {columns};

-- name: get
SELECT {columns} FROM {source} WHERE l.id = :id AND l.provider_id = :provider_id;

-- name: by_code
SELECT l.id, l.provider_id, l.title, l.description, l.amount_minor, l.currency, l.status, l.redirect_url
FROM {source} WHERE l.code = :code;

-- name: change
UPDATE payment_links l SET title = coalesce(:title, l.title), description = coalesce(:description, l.description),
  amount_minor = coalesce(:amount_minor, l.amount_minor), status = coalesce(:status, l.status),
  redirect_url = coalesce(:redirect_url, l.redirect_url), updated_at = app_now()
WHERE l.id = :id AND l.provider_id = :provider_id RETURNING {columns};
