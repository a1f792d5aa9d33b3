-- part: telling
-- With a fact go its webhooks: one row for every endpoint that asked for it, of whoever has to do with the booking and of the
-- platform. The provider is whoever is paid for the job, wherever its technician works by then; of an offer it is that of the
-- technician whom the fact names. An integration that is not active hears nothing: what it misses stands in its log as failed, so
-- that it can have it sent once it is active again.
f AS (
  SELECT b.event_seq - cardinality(:types::text[]) + f.n AS seq, f.type, f.actor_kind, f.actor_id, f.data
  FROM b, unnest(:types::text[], :actor_kinds::text[], :actor_ids::text[], :data::jsonb[]) WITH ORDINALITY
    AS f (type, actor_kind, actor_id, data, n)
), e AS (
  INSERT INTO booking_events (booking_id, seq, type, actor_kind, actor_id, data, request_id)
  SELECT b.id, f.seq, f.type, f.actor_kind, f.actor_id, f.data, :request_id FROM b, f
), o AS (
  SELECT f.seq, f.type, owner.kind, owner.key FROM b, f CROSS JOIN LATERAL unnest(ARRAY[
    '00000000-0000-0000-0000-000000000000'::uuid, b.organisation_id,
    (SELECT i.id FROM integration_customers c JOIN integrations i ON i.id = c.integration_id
     WHERE c.account_id = b.account_id AND i.status IN ('active', 'suspended', 'inactive')),
    CASE WHEN f.data ? 'technician_id'
      THEN coalesce(
        (SELECT a.payee_id FROM assignments a
         WHERE a.booking_id = b.id AND a.technician_id = (f.data ->> 'technician_id')::uuid
           AND (f.data ? 'assignment_id' OR NOT f.data ? 'offer_id')
         ORDER BY a.accepted_at DESC LIMIT 1),
        (SELECT t.provider_id FROM technicians t WHERE t.id = (f.data ->> 'technician_id')::uuid))
      ELSE (SELECT a.payee_id FROM assignments a
            WHERE a.booking_id = b.id AND (a.state <> 'cancelled' OR f.type = 'booking.cancelled')
            ORDER BY a.accepted_at DESC LIMIT 1) END],
    ARRAY['platform', 'organisation', 'integration', 'provider']) AS owner (key, kind)
  WHERE EXISTS (SELECT FROM webhook_endpoints WHERE deleted_at IS NULL)
), d AS (
  INSERT INTO webhook_deliveries (endpoint_id, owner_key, type, stream, booking_id, seq, state, error, finished_at)
  SELECT w.id, w.owner_key, o.type, b.id::text, b.id, o.seq, CASE WHEN missed.why IS NULL THEN 'pending' ELSE 'failed' END, missed.why,
    CASE WHEN missed.why IS NOT NULL THEN app_now() END
  FROM b, o JOIN webhook_endpoints w ON w.owner_key = o.key AND w.owner_kind = o.kind
  CROSS JOIN LATERAL (SELECT CASE WHEN NOT w.is_active THEN 'The endpoint was switched off.'
    WHEN o.kind = 'integration' AND (SELECT status FROM integrations WHERE id = o.key) <> 'active' THEN 'The partner was not active.'
    END AS why) AS missed
  WHERE w.deleted_at IS NULL AND o.type = ANY (w.events) AND (w.is_active OR w.disabled_reason <> 'owner')
  ORDER BY o.seq
)
SELECT account_id FROM b;

-- name: append_booking
-- The counter on the booking makes seq gapless: a rolled-back transaction takes its numbers back with it.
WITH b AS (
  UPDATE bookings SET event_seq = event_seq + cardinality(:types::text[]), updated_at = app_now() WHERE id = :booking_id
  RETURNING id, event_seq, account_id, organisation_id
), {telling}

-- name: append_numbered
-- The same of facts that the booking's counter has counted already, in this transaction, with another change of its row; the
-- last of them has this number.
WITH b AS (
  SELECT id, :last_seq::bigint AS event_seq, account_id, organisation_id FROM bookings WHERE id = :booking_id
), {telling}

-- name: append_parties
-- All that a transaction tells parties, to each in its order; `later` counts what the same party is told after a fact. Their rows
-- are locked in the order of their ids: two transactions that tell the same two never wait for each other.
WITH locked AS (
  SELECT id FROM parties WHERE id = ANY((SELECT :party_ids::uuid[])::uuid[]) ORDER BY id FOR NO KEY UPDATE
), p AS (
  UPDATE parties SET event_seq = event_seq + cardinality(array_positions(:party_ids::uuid[], l.id)) FROM locked l
  WHERE parties.id = l.id RETURNING parties.id, event_seq
)
INSERT INTO party_events (party_id, seq, type, data)
SELECT p.id, p.event_seq - t.later, t.type, t.data
FROM unnest((SELECT :party_ids::uuid[]), :types::text[], :data::jsonb[], :later::int[]) WITH ORDINALITY AS t (party_id, type, data, later, n)
JOIN p ON p.id = t.party_id ORDER BY t.n
RETURNING party_id, seq, at;

-- name: booking_since
SELECT booking_id, seq, type, actor_kind, actor_id, data, at FROM booking_events
WHERE booking_id = :booking_id AND seq > :seq ORDER BY seq LIMIT :limit;

-- name: was_queued
-- Whether it was said already that the booking waits, or (`is_over`) that its start has passed, for the start that it has now.
SELECT EXISTS (
  SELECT FROM booking_events e
  WHERE e.booking_id = :booking_id AND e.type = 'booking.queued' AND (e.data ->> 'reason' = 'start_passed') = :is_over::boolean
    AND NOT EXISTS (
      SELECT FROM booking_events m WHERE m.booking_id = e.booking_id AND m.type = 'booking.rescheduled' AND m.seq > e.seq));

-- name: was_told
-- Whether this assignment has such a fact already.
SELECT EXISTS (
  SELECT FROM booking_events
  WHERE booking_id = :booking_id AND type = :type AND data ->> 'assignment_id' = :assignment_id
);

-- name: party_since
-- Each offer is looked up by its id. EXISTS would let the planner gather all open offers of the house first, for every single fact.
SELECT e.party_id, e.seq, e.type, e.data, e.at, CASE WHEN e.type = 'offer.made' THEN coalesce((
  SELECT o.state = 'open' AND o.expires_at > app_now() FROM offers o WHERE o.id = (e.data ->> 'offer_id')::uuid), false) ELSE false END AS stands
FROM party_events e
WHERE e.party_id = :party_id AND e.seq > :seq ORDER BY e.seq LIMIT :limit;

-- name: booking_heads
-- Which streams moved lately: the poll that finds what a lost hint would have told.
SELECT e.booking_id AS stream_id, b.account_id, max(e.seq) AS seq
FROM booking_events e JOIN bookings b ON b.id = e.booking_id
WHERE e.id > :after_id GROUP BY e.booking_id, b.account_id;

-- name: party_heads
SELECT party_id AS stream_id, NULL::uuid AS account_id, max(seq) AS seq
FROM party_events WHERE id > :after_id GROUP BY party_id;

-- name: open_heads
-- The streams of these accounts that may still move.
SELECT found.stream_id, found.account_id, found.seq
FROM unnest(:account_ids::uuid[]) AS asked (id) CROSS JOIN LATERAL (
  SELECT b.id AS stream_id, b.account_id, b.event_seq AS seq FROM bookings b
  WHERE b.account_id = asked.id
    AND (b.status IN ('pending', 'partner_assigned', 'confirmed', 'in_progress')
         OR b.updated_at > app_now() - interval '1 day')
  ORDER BY b.created_at DESC LIMIT 100
) AS found;

-- name: named_heads_of_account
SELECT id AS stream_id, account_id, event_seq AS seq FROM bookings
WHERE account_id = :account_id AND id = ANY(:ids::uuid[]);

-- name: party_seqs
SELECT id AS stream_id, NULL::uuid AS account_id, event_seq AS seq FROM parties WHERE id = ANY(:party_ids::uuid[]);

-- name: purge_party
-- A part of the party facts that are older than so many days. The newest of each stay, so that whoever resumes a
-- little behind misses nothing; the counter is the party's own, so that no number comes twice.
DELETE FROM party_events WHERE id IN (
  SELECT e.id FROM party_events e JOIN parties p ON p.id = e.party_id
  WHERE e.at < app_now() - make_interval(days => :days) AND e.seq <= p.event_seq - :newest LIMIT :most);

-- name: timeline
SELECT booking_id, seq, type, actor_kind, actor_id, data, at FROM booking_events
WHERE booking_id = :booking_id ORDER BY seq;

-- name: now
SELECT app_now();

-- name: epoch
SELECT epoch FROM installation;

-- name: newest_ids
SELECT (SELECT coalesce(max(id), 0) FROM booking_events) AS booking_id, (SELECT coalesce(max(id), 0) FROM party_events) AS party_id;
