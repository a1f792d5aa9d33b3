"""The gateway's definite no, in Razorpay's error shape."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """The request is refused and has no effect."""

    def __init__(
        self,
        description: str,
        *,
        status: int = 400,
        field: str | None = None,
        reason: str = "input_validation_failed",
    ) -> None:
        super().__init__(description)
        self.description = description
        self.status = status
        self.field = field
        self.reason = reason

    def body(self) -> dict[str, Any]:
        return error_body("BAD_REQUEST_ERROR", self.description, field=self.field, reason=self.reason)


def error_body(code: str, description: str, *, field: str | None = None, reason: str = "NA") -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "description": description,
            "source": "business" if code == "BAD_REQUEST_ERROR" else "internal",
            "step": "payment_initiation",
            "reason": reason,
            "metadata": {},
            "field": field,
        }
    }
