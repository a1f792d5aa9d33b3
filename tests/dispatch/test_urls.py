"""Where we may call when somebody else names the address."""

from __future__ import annotations

import pytest

from dispatch import urls

INSIDE = (
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "0.0.0.0", "100.64.0.1",
    "198.18.0.1", "192.0.2.1", "192.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1",
    "2001:0:a00:1::1", "not an address", "",
)  # fmt: skip
OUTSIDE = ("8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:830::200e")

BAD = (
    "http://example.com/", "ftp://example.com/", "example.com/hooks", "https://", "https:///x", "//example.com",
    "https://user:secret@example.com/", "https://example.com:0/", "https://example.com:99999/", "https://[::1",
    "https://localhost/", "https://intranet/", "https://db.internal/", "https://printer.local/", "https://x.localhost/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://127.1/", "https://0177.0.0.1/",
    "https://example.com/ x", "https://exa\tmple.com/", "https://exämple.com/", "https://example.com\\@10.0.0.1/",
    "https://-example.com/", "https://example..com/", "https://" + "a" * 64 + ".com/", "javascript:alert(1)",
    "https://example.com/" + "x" * 2000, "", *(f"https://[{a}]/" if ":" in a else f"https://{a}/" for a in INSIDE),
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_plainly_in_the_world_is_not_public(address: str) -> None:
    assert not urls.is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_machines_in_the_world_are_public(address: str) -> None:
    assert urls.is_public(address)


@pytest.mark.parametrize("url", BAD)
def test_what_is_wrong_with_an_address_is_said(url: str) -> None:
    assert (urls.complaint_of(url) or "").startswith("must")


@pytest.mark.parametrize(
    "url",
    ["https://example.com", "https://hooks.example.com:8443/in?key=1#x", "https://8.8.8.8/", "https://xn--bcher-kva.example/",
     "HTTPS://Example.COM/", "https://example.com./", "https://[2606:4700:4700::1111]/", "https://a_b.example.com/"],
)  # fmt: skip
def test_public_addresses_are_good(url: str) -> None:
    assert urls.complaint_of(url) is None


def test_open_hosts_may_be_private_and_without_tls() -> None:
    assert urls.complaint_of("http://127.0.0.1:9000/x", ["127.0.0.1"]) is None
    assert urls.complaint_of("http://localhost/x", ["127.0.0.1"]) is not None
    assert urls.complaint_of("ftp://127.0.0.1/", ["127.0.0.1"]) is not None
