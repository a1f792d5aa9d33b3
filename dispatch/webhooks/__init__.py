"""Outbound webhooks: one engine for integrations, organisations, providers and the operator's own systems.

An endpoint belongs to an `Owner(kind, id)`: "integration", "organisation" or "provider" with the party's id, or
`PLATFORM`. Every function asks for the owner, and what is somebody else's does not exist.

`endpoints` (a change is audited under its actor):
  create(tx, owner, actor, url=, events=, secret=, description=, is_active=) -> Made    the secret, shown this once
  change(tx, owner, endpoint_id, actor, url=, events=, description=, is_active=)        what is None stays
  delete(tx, owner, endpoint_id, actor), delete_all(tx, owner, actor)
  rotate(tx, owner, endpoint_id, actor, secret=) -> Made                                both secrets sign for a day
  test(tx, owner, endpoint_id, actor) -> Delivery                                       a signed "ping", one try
  get(conn, owner, endpoint_id), page(conn, owner, wanted)                              LIST is the list's grammar
`deliveries`:
  publish(tx, owner, type, data, key=, stream=)    an event that is no booking's, to the owner's endpoints
  broadcast(tx, kind, type, data, key=)            the same to every owner of a kind
  get(conn, owner, id), attempts(conn, owner, id), page(conn, owner, wanted, timezone)  LOG is the list's grammar
  replay(tx, owner, id), replay_range(tx, owner, since=, until=, endpoint_id=, states=) under the same webhook-id
`events.EVENTS` says which events each kind of owner may choose; `dispatch.engine.facts` what it is told of them.

Facts of bookings need no call: they are handed on in the statement that writes them, to whoever has to do with the
booking (its organisation, the integration that its customer belongs to, the provider that is paid for the job or whose
technician is asked, the platform).
"""
