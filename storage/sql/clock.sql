-- name: get
SELECT extract(epoch FROM real_at)::float8 AS real_at, extract(epoch FROM app_at)::float8 AS app_at, speed FROM app_clock;

-- name: set
UPDATE app_clock SET real_at = to_timestamp(:real_at), app_at = to_timestamp(:app_at), speed = :speed;

-- name: server_version
SELECT current_setting('server_version_num')::int;

-- name: encoding
SELECT current_setting('server_encoding');

-- name: now
SELECT app_now();

-- name: real_now
-- Whatever the domain's time does: what this server's machine says.
SELECT clock_timestamp();
