"""Who counts as one caller."""

from __future__ import annotations

import pytest

from dispatch.access.networks import UNKNOWN, WIDE_FACTOR, network_of, networks_of


def test_an_ipv6_subscriber_is_one_caller_and_its_site_another() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert networks_of("2001:db8:1:2::9") == (("2001:db8:1:2::/64", 1), ("2001:db8:1::/48", WIDE_FACTOR))
    assert networks_of("2001:db8:1:3::9")[1] == networks_of("2001:db8:1:2::9")[1]


@pytest.mark.parametrize(
    ("ip", "name"),
    [("1.2.3.4", "1.2.3.4"), ("::ffff:1.2.3.4", "1.2.3.4"), ("x", UNKNOWN), ("", UNKNOWN), ("1.2.3.4.5", UNKNOWN)],
)
def test_an_ipv4_address_is_one_caller(ip: str, name: str) -> None:
    assert networks_of(ip) == ((name, 1),)


def test_a_zone_is_no_part_of_an_address() -> None:
    assert network_of("fe80::1%eth0") == "fe80::/64"
