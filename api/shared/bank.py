"""Where money goes, as people write it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


def _without_gaps(value: Any) -> Any:
    """People copy account numbers in groups."""
    return value.replace(" ", "").replace("-", "") if isinstance(value, str) else value


#: Banks in India give 9 to 18 digits; others use letters too, and more of them (IBAN).
AccountNumber = Annotated[str, BeforeValidator(_without_gaps), StringConstraints(pattern=r"^[0-9A-Za-z]{6,34}$")]
Ifsc = Annotated[str, StringConstraints(strip_whitespace=True, min_length=11, max_length=11), AfterValidator(str.upper)]
