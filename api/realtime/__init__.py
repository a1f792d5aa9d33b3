"""The Socket.IO side: the engine and its guard, the event tables, the namespaces."""
