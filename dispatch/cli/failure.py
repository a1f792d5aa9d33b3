"""What a command says when it cannot do its work: one sentence on standard error, and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """The command cannot do its work; the message says why and what to do."""


@contextmanager
def explained() -> Iterator[None]:
    """Turns the failures that a person can mend into a sentence; a bug stays a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except SystemExit as e:
        # The reader of a pipe has gone (`dispatch routes | head`): nothing is wrong, whatever the library makes of it.
        if isinstance(e.__context__, BrokenPipeError):
            raise SystemExit(0) from None
        raise
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"dispatch: {sentence}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None


def _sentence(error: Exception) -> str | None:
    from dispatch.adapters.messages.senders import WrongSenders
    from dispatch.errors import DispatchError
    from dispatch.vault import KeysUnfit
    from storage.database.copies import CopyFailed
    from storage.database.embedded import EmbeddedError
    from storage.database.errors import DatabaseAway, DatabaseBusy, is_refusal
    from storage.database.migrate import MigrationError

    if isinstance(error, (Refused, EmbeddedError, CopyFailed, KeysUnfit, WrongSenders)):
        return str(error)
    if isinstance(error, DispatchError):
        return error.message
    if isinstance(error, MigrationError):
        return f"A migration failed: {error}. Nothing of it was applied."
    if isinstance(error, (DatabaseAway, DatabaseBusy)):
        return f"The database cannot be reached ({error}): check DATABASE_URL and that it runs."
    if is_refusal(error):
        said = str(error).splitlines()[0]
        return f"The database refuses it ({said}): check DATABASE_URL, and the rights and settings there."
    return None
