"""docs/examples/tsa/nginx.conf in a real nginx, in front of several workers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from reader import ROOT, Reader, Server, free_port
from tsa_server import QUERY, REQUEST, fail_info

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin")

pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed (apt-get install nginx-light)"
)

COMPANY = """
. ~/secureota/bin/activate
unset SECUREOTA_KEY_PASSPHRASE
secureota pki root myCorp
secureota pki intermediate production --under myCorp --policy 1.3.6.1.4.1.99999.1
secureota pki signer product --under production
secureota pki intermediate tls --for tls --under myCorp
secureota pki tls-server tsa --under tls --host localhost
secureota pki tls-client ci --under tls
secureota tsa token > runner.txt
"""

CONFIG = """
[signer]
key = "pki/myCorp/production/product/key.pem"
anchors = "pki/myCorp/certificate.pem"
[listen]
port = {port}
[proxy]
client_certificates = true
[clock]
require_synchronised = false
[policies]
production = "1.3.6.1.4.1.99999.1"
[[caller]]
name = "runner"
bearer = ["{token_hash}"]
policies = ["production"]
[[caller]]
name = "build server"
certificates = ["subject:CN=ci"]
policies = ["production"]
"""

MAIN = """
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Site:
    """A company's server behind nginx, in a reader's home."""

    def __init__(self, reader: Reader) -> None:
        """Make keys, certificates and both configurations."""
        self.home = reader.home
        self.terminal = reader.terminal()
        self.terminal.type(COMPANY)
        runner = dict(re.findall(r"(\w+): (.*)", (self.home / "runner.txt").read_text()))
        self.token = runner["token"]
        self.ca = str(self.home / "pki/myCorp/certificate.pem")
        self.client = str(self.home / "pki/myCorp/tls/ci/key.pem")
        self.port = free_port()
        inner = free_port()
        config = self.home / "tsa.toml"
        config.write_text(CONFIG.format(port=inner, token_hash=runner["hash"]))
        config.chmod(0o600)
        text = (ROOT / "docs/examples/tsa/nginx.conf").read_text("utf-8")
        for old, new in (
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            ("tsa.example.com", "localhost"),
            ("/etc/nginx/tsa.pem", str(self.home / "pki/myCorp/tls/tsa/key.pem")),
            ("/etc/nginx/clients.pem", str(self.home / "pki/myCorp/tls/chain.pem")),
            ("127.0.0.1:3161", f"127.0.0.1:{inner}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (self.home / "site.conf").write_text(text)
        (self.home / "nginx.conf").write_text(MAIN.format(folder=self.home))

    def post(
        self, body: bytes = REQUEST, *, cert: str | None = None, **headers: str
    ) -> requests.Response:
        sent = {"Content-Type": QUERY}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        url = f"https://localhost:{self.port}/timestamp"
        with requests.Session() as session:
            session.trust_env = False
            return session.post(url, data=body, headers=sent, cert=cert, verify=self.ca, timeout=10)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(Reader.make(tmp_path_factory.mktemp("home")))
    server = Server(made.terminal, "secureota tsa serve --workers 2")
    # As root it would become nobody, who can't reach into a temporary folder.
    user = " user root;" if os.geteuid() == 0 else ""
    directives = f"daemon off; worker_processes 1;{user}"
    nginx = subprocess.Popen(
        [str(NGINX), "-p", str(made.home), "-e", "stderr", "-c", "nginx.conf", "-g", directives]
    )
    try:
        wait_for(made, nginx)
        yield made
    finally:
        nginx.terminate()
        nginx.wait(10)
        server.stop()


def wait_for(site: Site, nginx: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        assert nginx.poll() is None, "nginx did not start"
        assert time.monotonic() < deadline
        try:
            if site.post().status_code == 401:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)


def test_callers(site: Site) -> None:
    assert fail_info(site.post(cert=site.client)) == -1
    assert fail_info(site.post(Authorization=f"Bearer {site.token}")) == -1
    assert site.post().status_code == 401
    log = site.terminal.type("secureota tsa log show\nsecureota tsa log verify")
    assert log.count("build server (mtls)") == 1
    assert log.count("runner (bearer)") == 1
    assert "whole: 2 approvals" in log


def test_nobody_vouches_for_himself(site: Site) -> None:
    """The headers by which nginx speaks of a certificate are nginx's alone."""
    (pem, *_) = re.findall(r"(?s)-----BEGIN CERT.*?CATE-----\n", Path(site.client).read_text())
    headers = {"X_SSL_Client_Cert": quote(pem), "X_SSL_Client_Verify": "SUCCESS"}
    assert site.post(**headers).status_code == 401


def test_a_certificate_of_somebody_else(site: Site) -> None:
    site.terminal.type("secureota keygen --out other.pem --name ci > /dev/null")
    assert site.post(cert=str(site.home / "other.pem")).status_code == 400


def test_a_body_that_is_too_large(site: Site) -> None:
    assert site.post(bytes(5000)).status_code == 413
