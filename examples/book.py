"""Books a job for a customer of yours and cancels it, with nothing but Python's standard library."""

from __future__ import annotations

import json
import os
import urllib.request
import uuid
from typing import Any

URL = os.environ["DISPATCH_URL"]
PAIR = {"x-client-id": os.environ["CLIENT_ID"], "x-client-secret": os.environ["CLIENT_SECRET"]}


def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The answer's `data`. An answer that is an error raises urllib.error.HTTPError, whose body says why."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(URL + path, data, sent, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def main() -> None:
    signed = call("POST", "/api/partners/auth", **PAIR)
    me = {"Authorization": f"Bearer {signed['token']}"}
    service = call("GET", "/v1/services/catalog?category=Facial", **me)["all_services"][0]
    asha = {"name": "Asha Rao", "phoneNumber": "+919876543210"}
    customer = call("POST", f"/api/partners/{signed['partnerId']}/customers", asha, **me)

    # From here on every call names the customer.
    me["X-Customer-ID"] = customer["id"]
    home = {
        "name": "Home", "address_line1": "12 Park Street", "city": "Kolkata", "state": "West Bengal",
        "pincode": "700016", "lat": 22.5726, "lng": 88.3639,
    }  # fmt: skip
    address = call("POST", "/v1/users/addresses", home, **me)
    cart = {"service_ids": [service["id"]], "address_id": address["id"]}
    preview = call("POST", "/v1/checkout/prepare", cart, **me)
    wish = {
        "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": address["id"],
        "booking_date": preview["booking_date"], "booking_time": preview["available_time_slots"][0],
        "customer_name": "Asha Rao", "customer_phone": "+919876543210", "cancellation_policy_accepted": True,
    }  # fmt: skip
    # The same key once more is the same booking, whatever happened to the first answer.
    booked = call("POST", "/v1/checkout/confirm", wish, X_Idempotency_Key=str(uuid.uuid4()), **me)["booking"]
    print(call("GET", f"/v1/bookings/{booked['id']}", **me)["booking_number"])
    print(call("POST", f"/v1/bookings/{booked['id']}/cancel", {"reason": "Only a try"}, **me)["status"])


if __name__ == "__main__":
    main()
