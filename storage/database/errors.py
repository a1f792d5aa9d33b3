"""What the database may answer instead of rows, in words that callers can use without knowing its driver."""

from __future__ import annotations


class StorageError(Exception):
    """The database refused or failed. `sqlstate` and `constraint` say what fired, where it was told."""

    def __init__(self, message: str, sqlstate: str | None = None, constraint: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate, self.constraint = sqlstate, constraint


class DatabaseBusy(StorageError):
    """No connection was free in time, or a statement ran too long."""


class DatabaseAway(StorageError):
    """The database cannot be reached."""


class DatabaseFull(StorageError):
    """The database has no room on its disk or in memory: nothing can be written until somebody makes some."""


def constraint_of(error: BaseException) -> str | None:
    """The name of the constraint that fired, if one did."""
    return error.constraint if isinstance(error, StorageError) else None


def _is(error: BaseException, *states: str) -> bool:
    return isinstance(error, StorageError) and error.sqlstate in states


def is_unique(error: BaseException) -> bool:
    return _is(error, "23505")


def is_exclusion(error: BaseException) -> bool:
    return _is(error, "23P01")


def is_check(error: BaseException) -> bool:
    return _is(error, "23514")


def is_foreign_key(error: BaseException) -> bool:
    return _is(error, "23503")


def is_deadlock(error: BaseException) -> bool:
    """Lost a deadlock or a serialisation race: the same transaction, repeated, may pass."""
    return _is(error, "40P01", "40001")


def is_data(error: BaseException) -> bool:
    """A value that its column or a computation cannot take, wherever that was noticed."""
    return _is(error, "22000", "22003", "22007", "22008", "22021", "22P05")


def is_denied(error: BaseException) -> bool:
    """The role may not do this."""
    return _is(error, "42501")


def is_refusal(error: BaseException) -> bool:
    """What whoever runs the server can mend there or in its address: no such role or database, a wrong password, a
    right or a setting that is missing, no room, something that is in use.
    """
    state = error.sqlstate if isinstance(error, StorageError) else None
    return state is not None and (state.startswith(("08", "28", "3D", "53", "55", "57", "58")) or is_denied(error))
