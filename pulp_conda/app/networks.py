"""The addresses that the server may connect to when a user names the host."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_NAT64 = IPv6Network("64:ff9b::/96")


def may_be_fetched_from(address: str, networks: Iterable[str]) -> bool:
    """Return whether an IP address is public, or in one of the allowed networks."""
    ip = ip_address(address.partition("%")[0])
    embedded = _embedded_ipv4(ip) or ip
    allowed = any(each in ip_network(network) for network in networks for each in (ip, embedded))
    return allowed or all(each.is_global and not each.is_multicast for each in (ip, embedded))


def _embedded_ipv4(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address embeds (NAT64, 6to4, Teredo, mapped)."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
