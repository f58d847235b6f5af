"""nginx, by the template that is deployed."""

import contextlib
import datetime
import ipaddress
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import processes
from tests.live.processes import ROOT
from tests.servers import Missing, wait_for_port

MAIN = ROOT / "deploy/nginx/nginx.conf"
TEMPLATE = ROOT / "deploy/nginx/hub.conf.template"
NAME = "localhost"
FOLDERS = """
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/1;
    uwsgi_temp_path {folder}/2;
    scgi_temp_path {folder}/3;
"""


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill a template in as envsubst does: known names in braces, nothing else."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)


def servers_at(ports: list[int]) -> str:
    """Return the servers of an upstream on this machine."""
    return " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)


def make_certificate(folder: Path) -> Path:
    """Write a certificate of this machine with its key into a folder, and return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path = folder / "fullchain.pem"
    path.write_bytes(certificate.public_bytes(pem))
    return path


@contextlib.contextmanager
def nginx(
    folder: Path, *, origin: str, port: int, http_port: int, pools: Mapping[str, str], keep_alive: bool = True
) -> Iterator[None]:
    """Run nginx with the deployed files, its own folders aside; the certificate is in `folder`.

    Args:
        pools: the servers of each.
        keep_alive: whether connections to them are kept, as the deployed file has it.

    Raises:
        Missing: it is not installed.
    """
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None:
        raise Missing("nginx (Debian: apt-get install nginx-light)")
    values = {
        "HUB_NAME": NAME,
        "HUB_ORIGIN": origin,
        **{f"HUB_{pool.upper()}_SERVERS": servers for pool, servers in pools.items()},
        "HUB_TLS": str(folder),
        "HUB_HTTP_PORT": str(http_port),
        "HUB_HTTPS_PORT": str(port),
    }
    template = TEMPLATE.read_text()
    if not keep_alive:
        template, count = re.subn(r"^ *keepalive.*;\n", "", template, flags=re.MULTILINE)
        assert count
    (folder / "hub.conf").write_text(filled(template, values))
    main = MAIN.read_text().replace("/run/nginx.pid", f"{folder}/nginx.pid")
    main = main.replace("http {", "http {" + FOLDERS.format(folder=folder))
    main = main.replace("/etc/nginx/conf.d/*.conf", f"{folder}/hub.conf")
    (folder / "nginx.conf").write_text(main)
    command = [binary, "-c", str(folder / "nginx.conf"), "-g"]
    command.append("daemon off;" + (" user root;" if os.geteuid() == 0 else ""))
    with (folder / "nginx.log").open("wb") as log:
        process = processes.start(command, stdout=log, stderr=log)
    try:
        wait_for_port(port, process)
        yield
    finally:
        processes.end(process)
