"""A certificate for names of this test, and the authority that signed it."""

import base64
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(directory, names):
    """The relay's flags for it, and how Chromium is told its key. The authority is in ca.pem."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    ca = built(issuer, issuer, authority.public_key(), x509.BasicConstraints(True, None), authority)
    leaf = built(subject, issuer, key.public_key(), alternatives, authority)
    for name, content in [
        ("ca.pem", ca.public_bytes(serialization.Encoding.PEM)),
        ("relay.pem", leaf.public_bytes(serialization.Encoding.PEM)),
        ("relay.key", key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())),
    ]:
        with open(f"{directory}/{name}", "wb") as file:
            file.write(content)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    flags = ["--tls-cert", f"{directory}/relay.pem", "--tls-key", f"{directory}/relay.key"]
    return flags, base64.b64encode(hashlib.sha256(spki).digest()).decode()


def built(subject, issuer, key, extension, authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    return builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints)).sign(authority, hashes.SHA256())
