"""The Socket.IO side: the engine and its guard, the event tables, the namespaces."""

from api.realtime.attach import attach_realtime as attach_realtime
