"""The addresses that a package may be fetched from."""

import pytest

from pulp_conda.app.networks import may_be_fetched_from

_NOT_PUBLIC = """
    127.0.0.1 127.8.9.1 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1
    224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 192.0.2.1
    :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 ff0e::1 2001:db8::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1::
    2001:0:4136:e378:8000:63bf:f5ff:fffe
""".split()


@pytest.mark.parametrize("address", _NOT_PUBLIC)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not may_be_fetched_from(address, [])


@pytest.mark.parametrize("address", ["1.1.1.1", "151.101.0.223", "2606:4700:4700::1111"])
def test_public_addresses_are_accepted(address: str) -> None:
    assert may_be_fetched_from(address, [])


def test_a_network_may_be_allowed() -> None:
    networks = ["10.1.0.0/16", "fd12::/64"]
    assert may_be_fetched_from("10.1.2.3", networks)
    assert may_be_fetched_from("::ffff:10.1.2.3", networks)
    assert may_be_fetched_from("fd12::1", networks)
    assert not may_be_fetched_from("10.2.0.1", networks)
    assert not may_be_fetched_from("127.0.0.1", networks)
