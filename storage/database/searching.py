"""Searching a list by words: what somebody typed as a tsquery, and where the words of its rows stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

#: A word that more rows have is common: a list looks for it as it goes along its order. Of a million rows neither way
#: then reads more than some seven thousand for a page.
MAX_HITS = 3_000
#: A shorter number is no part of a phone.
_MIN_PHONE_DIGITS = 3
#: Of a longer word the rest is left out, as in the database.
_MOST_WORD_CHARS = 100
_SEPARATORS = {n: " " for n in range(128) if not chr(n).isalnum()}
#: What somebody typed, inside a statement.
QUERY = "lower(:search_query::text)::tsquery"


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand in a table of their own: `column` of the row whose `key` is the list's expression `beside`.

    The table has a GIN index on the column and a unique one on the key; `beside` is indexed in the list's table.

    No single plan is right for rare and for common words, and the planner cannot tell them apart: it walks the list's
    order past a million rows to find the one that has the word, or sorts half of all bookings to show the newest. So
    a statement first takes up to MAX_HITS hits from the words' index. Are they all, it reads just those; are there
    more, the list is walked in its order, which comes upon a common word soon. The way not taken costs nothing.
    """

    table: str
    key: str
    column: str
    beside: str

    def hits(self, query: str = QUERY) -> str:
        """The two tables that a statement begins with: `hits` (hit) and the one row of `found` (are_all)."""
        taken = f"SELECT {self.key} AS hit FROM {self.table} WHERE {self.column} @@ {query} LIMIT {MAX_HITS + 1}"  # noqa: S608
        are_all = f"SELECT count(*) <= {MAX_HITS} AS are_all FROM hits"  # noqa: S608
        return f"hits AS MATERIALIZED ({taken}), found AS MATERIALIZED ({are_all})"

    #: A value that is known before the list is read, so that the way not taken is not begun.
    are_all: ClassVar[str] = "(SELECT are_all FROM found)"

    @property
    def is_hit(self) -> str:
        """That a row is one of the hits; an array, of which the planner thinks that it is short."""
        return f"{self.beside} = ANY(ARRAY(SELECT hit FROM hits))"  # noqa: S608

    @property
    def has_them(self) -> str:
        """That a row that was come upon has the words; a value, of which the planner makes no join."""
        own = f"SELECT {self.column} FROM {self.table} WHERE {self.key} = {self.beside}"  # noqa: S608
        return f"({own}) @@ {QUERY}"

    @property
    def is_found(self) -> str:
        """The same for all rows at once, where the planner is to choose."""
        return f"{self.beside} IN (SELECT {self.key} FROM {self.table} WHERE {self.column} @@ {QUERY})"  # noqa: S608


def values_query(values: Sequence[str]) -> str | None:
    """The tsquery of the whole words of any of some values; None where one of them has no words."""
    found = [[word[:_MOST_WORD_CHARS] for word in value.translate(_SEPARATORS).split()] for value in values]
    if not all(found):
        return None
    return " | ".join("(" + " & ".join(f"'{word}'" for word in words) + ")" for words in found)


def search_query(text: str) -> str:
    """The tsquery of what somebody typed: beginnings of words and codes, or a phone's first or last digits.

    The words are split as `search_words` in the database splits them. What has no word in it finds nothing.
    """
    words = text.translate(_SEPARATORS).split()
    query = " & ".join(f"'{word}':*" for word in words)
    digits = "".join(c for c in text if c in "0123456789")
    if len(digits) >= _MIN_PHONE_DIGITS and not set(text) - set("0123456789+-(). "):
        query = f"({query}) | '>{digits}':* | '<{digits[::-1]}':*"
    return query
