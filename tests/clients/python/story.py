"""A customer books and reads all bookings, a technician does the job: type-checked with the generated client."""

from __future__ import annotations

from uuid import UUID

from dispatch_client import AuthenticatedClient
from dispatch_client.api.customer_auth import customer_auth_send_otp
from dispatch_client.api.customer_bookings import customer_bookings_list_bookings
from dispatch_client.api.technician_jobs import technician_bookings_advance
from dispatch_client.api.technician_money import technician_money_my_earnings
from dispatch_client.models.customer_auth_send_otp_in import CustomerAuthSendOtpIn
from dispatch_client.models.customer_auth_send_otp_in_purpose import CustomerAuthSendOtpInPurpose
from dispatch_client.models.customer_bookings_booking_out import CustomerBookingsBookingOut
from dispatch_client.models.customer_bookings_list_bookings_answer import CustomerBookingsListBookingsAnswer
from dispatch_client.models.customer_bookings_list_bookings_status_item import CustomerBookingsListBookingsStatusItem
from dispatch_client.models.minuteserv_invalid import MinuteservInvalid
from dispatch_client.models.technician_bookings_status_in import TechnicianBookingsStatusIn
from dispatch_client.models.technician_bookings_status_in_status import TechnicianBookingsStatusInStatus
from dispatch_client.models.technician_money_my_earnings_answer import TechnicianMoneyMyEarningsAnswer
from dispatch_client.types import UNSET, Unset

Status = CustomerBookingsListBookingsStatusItem


def customer(client: AuthenticatedClient) -> list[CustomerBookingsBookingOut]:
    asked = CustomerAuthSendOtpIn(phone_number="+911234567890", purpose=CustomerAuthSendOtpInPurpose.LOGIN)
    sent = customer_auth_send_otp.sync(client=client, body=asked)
    if isinstance(sent, MinuteservInvalid):
        raise RuntimeError(sent.message)
    found: list[CustomerBookingsBookingOut] = []
    cursor: str | Unset = UNSET
    while True:
        page = customer_bookings_list_bookings.sync(
            client=client, limit=100, cursor=cursor, status=[Status.CONFIRMED, Status.COMPLETED]
        )
        if not isinstance(page, CustomerBookingsListBookingsAnswer):
            raise RuntimeError("no bookings")
        found += page.data.bookings
        total: int = page.data.pagination.total
        if page.data.pagination.cursor is None:
            assert total >= 0
            return found
        cursor = page.data.pagination.cursor


def technician(client: AuthenticatedClient, booking_id: UUID) -> float:
    on_the_way = TechnicianBookingsStatusIn(status=TechnicianBookingsStatusInStatus.IN_TRANSIT)
    technician_bookings_advance.sync(id=booking_id, client=client, body=on_the_way)
    earned = technician_money_my_earnings.sync(client=client)
    if not isinstance(earned, TechnicianMoneyMyEarningsAnswer):
        raise RuntimeError("no earnings")
    return earned.data.total_earnings
