-- The day that it is on an organisation's clocks; those of one that has told of none are dispatch.parties.organisations'
-- DEFAULT_TIMEZONE.
CREATE FUNCTION organisation_today(timezone text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (app_now() AT TIME ZONE coalesce(timezone, 'Asia/Manila'))::date;
