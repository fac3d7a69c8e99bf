"""Certificate authorities and certificates of the tests' own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BEGIN = datetime.now(UTC) - timedelta(hours=1)


class Identity(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: str
    key: str

    def server_context(self, folder: Path, client_authority: str | None = None) -> ssl.SSLContext:
        """Return the context of a server; with an authority, it demands client certificates."""
        file = folder / "server.pem"
        file.write_text(self.certificate + self.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        if client_authority:
            context.load_verify_locations(cadata=client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Authority:
    """A certificate authority."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._sign(self._name, self._key, is_authority=True)
        self.certificate = _pem(self._certificate)

    def issue(self, name: str, password: bytes | None = None) -> Identity:
        """Return an identity, for 127.0.0.1 if it is a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        written = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        return Identity(_pem(self._sign(_named(name), key)), written.decode())

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False
    ) -> x509.Certificate:
        addresses = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(_BEGIN).not_valid_after(_BEGIN + timedelta(days=2))
        builder = builder.add_extension(addresses, critical=False).add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
