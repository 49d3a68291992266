"""A real IMAP server, if Dovecot is installed: on loopback, with TLS, one mailbox, and LMTP to deliver to it."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import smtplib
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from daisychain.work.serve import free_port
from tests.waiting import until

# Two ways into the same mailbox: passwords in ASCII go by LOGIN, others can't.
USERS = {"bounce@daisies.org": 'correct "horse"', "post@daisies.org": "pâsswörd"}

# For the configuration language of Dovecot 2.3; 2.4 has another.
CONFIGURATION = """
protocols = imap{lmtp}
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {internal}
default_login_user = {login}
first_valid_uid = 0
first_valid_gid = 0
recipient_delimiter = +
auth_mechanisms = plain
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """The running server; `trust` is the TLS context that clients need."""

    port: int
    tls_port: int
    lmtp_port: int
    has_lmtp: bool
    trust: ssl.SSLContext

    def url(self, user: str = "bounce@daisies.org", *, encrypted: bool = True, folder: str = "") -> str:
        """Return the IMAP_URL."""
        scheme, port = ("imaps", self.tls_port) if encrypted else ("imap", self.port)
        return f"{scheme}://{quote(user)}:{quote(USERS[user])}@localhost:{port}/{quote(folder)}"

    @contextmanager
    def opened(self) -> Iterator[imaplib.IMAP4]:
        """Open the mailbox as a mail program does."""
        with imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=self.trust, timeout=60) as connection:
            connection.login(*next(iter(USERS.items())))
            connection.select()
            yield connection

    def append(self, mail: bytes) -> None:
        """Add a mail to the mailbox as it is."""
        with self.opened() as connection:
            assert connection.append("INBOX", "", "", mail)[0] == "OK"

    def deliver(self, mail: bytes, recipient: str) -> None:
        """Deliver a mail as a mail server does, with the recipient in the envelope."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, timeout=60) as connection:
            connection.sendmail("", [recipient], mail)

    def flags(self) -> list[set[str]]:
        """Return the flags of each mail, in the order of arrival."""
        with self.opened() as connection:
            told = connection.fetch("1:*", "(FLAGS)")[1]
        return [
            {flag.decode() for flag in imaplib.ParseFlags(line)} - {"\\Recent"}
            for line in told
            if isinstance(line, bytes)
        ]


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Start Dovecot for one test; skip the test if no version is installed that we can configure."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("there is no dovecot here")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    if not version.startswith("2.3"):
        pytest.skip(f"this is Dovecot {version.strip()}, and our configuration is for 2.3")
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    try:
        server = _configured(folder)
        process = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")])
        try:
            until(lambda: "starting up" in (folder / "log").read_text() if (folder / "log").exists() else False)
            yield server
        finally:
            process.terminate()
            process.wait(60)
    finally:
        shutil.rmtree(folder)


def _configured(folder: Path) -> Dovecot:
    certificate, key = _certificate()
    (folder / "cert.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    # Mail is never root's: then it belongs to the user whom the package made for its own processes.
    user = pwd.getpwuid(os.getuid())
    internal, login, owner = ("dovecot", "dovenull", "dovecot") if user.pw_uid == 0 else (user.pw_name,) * 3
    of_mail = pwd.getpwnam(owner)
    (folder / "users").write_text("".join(f"{name}:{{PLAIN}}{password}::::::\n" for name, password in USERS.items()))
    (folder / "mail").mkdir()
    (folder / "home").mkdir()
    folder.chmod(0o755)
    for each in (folder / "mail", folder / "home"):
        shutil.chown(each, owner, grp.getgrgid(of_mail.pw_gid).gr_name)
    has_lmtp = Path("/usr/lib/dovecot/lmtp").exists()
    port, tls_port, lmtp_port = (free_port("127.0.0.1") for _ in range(3))
    (folder / "dovecot.conf").write_text(
        CONFIGURATION.format(
            folder=folder, internal=internal, login=login, uid=of_mail.pw_uid,
            gid=of_mail.pw_gid, port=port, tls_port=tls_port, lmtp_port=lmtp_port, lmtp=" lmtp" if has_lmtp else "",
        )
    )  # fmt: skip
    return Dovecot(port, tls_port, lmtp_port, has_lmtp, ssl.create_default_context(cadata=certificate.decode()))


def _certificate() -> tuple[bytes, bytes]:
    """Make a self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret
