#!/bin/sh
# Books a job for a customer of yours and cancels it. Needs curl and python3 (to read JSON).
set -eu
: "${DISPATCH_URL:?}" "${CLIENT_ID:?}" "${CLIENT_SECRET:?}"

read_json() { python3 -c 'import json,sys; d=json.load(sys.stdin)
for k in sys.argv[1].split("."): d=d[int(k)] if k.isdigit() else d[k]
print(d)' "$1"; }
call() { # METHOD PATH [BODY]
  curl -sS --fail-with-body -X "$1" "$DISPATCH_URL$2" -H "Authorization: Bearer ${TOKEN:-}" \
    -H "X-Customer-ID: ${CUSTOMER:-}" -H 'Content-Type: application/json' \
    ${KEY:+-H "X-Idempotency-Key: $KEY"} ${3:+-d "$3"}
}

signed=$(curl -sS --fail-with-body -X POST "$DISPATCH_URL/api/partners/auth" \
  -H "x-client-id: $CLIENT_ID" -H "x-client-secret: $CLIENT_SECRET")
TOKEN=$(echo "$signed" | read_json data.token)
PARTNER=$(echo "$signed" | read_json data.partnerId)

SERVICE=$(call GET '/v1/services/catalog?category=Facial' | read_json data.all_services.0.id)
CUSTOMER=$(call POST "/api/partners/$PARTNER/customers" '{"name": "Asha Rao", "phoneNumber": "+919876543210"}' | read_json data.id)
ADDRESS=$(call POST /v1/users/addresses '{"name": "Home", "address_line1": "12 Park Street", "city": "Kolkata",
  "state": "West Bengal", "pincode": "700016", "lat": 22.5726, "lng": 88.3639}' | read_json data.id)

preview=$(call POST /v1/checkout/prepare "{\"service_ids\": [\"$SERVICE\"], \"address_id\": \"$ADDRESS\"}")
# The same key once more is the same booking, whatever happened to the first answer.
KEY=$(python3 -c 'import uuid; print(uuid.uuid4())')
BOOKING=$(call POST /v1/checkout/confirm "{\"preview_id\": \"$(echo "$preview" | read_json data.preview_id)\",
  \"payment_method\": \"cash\", \"address_id\": \"$ADDRESS\", \"customer_name\": \"Asha Rao\",
  \"booking_date\": \"$(echo "$preview" | read_json data.booking_date)\",
  \"booking_time\": \"$(echo "$preview" | read_json data.available_time_slots.0)\",
  \"customer_phone\": \"+919876543210\", \"cancellation_policy_accepted\": true}" | read_json data.booking.id)

call GET "/v1/bookings/$BOOKING" | read_json data.booking_number
call POST "/v1/bookings/$BOOKING/cancel" '{"reason": "Only a try"}' | read_json data.status
