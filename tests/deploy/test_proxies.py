"""The examples for nginx and Caddy, with https and below a prefix, as they are but for names, ports and certificates."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvo
import requests

from tap.checks import findings_of_url
from tap.config import Config
from tests.clients.tls import wait_for
from tests.conftest import ROOT, alone, free_port, serving
from tests.contract.test_threats_faults import eventually
from tests.people import MakePerson, basic

PREFIX = "/gaia"


@dataclass(frozen=True)
class Site:
    """A service as the world sees it, and the certificate to trust."""

    url: str
    certificate: str
    folder: Path

    def get(self, path: str, **more: object) -> requests.Response:
        return requests.get(f"{self.url}{path}", verify=self.certificate, timeout=30, **more)  # type: ignore[arg-type]

    def post(self, path: str, **more: object) -> requests.Response:
        return requests.post(f"{self.url}{path}", verify=self.certificate, timeout=60, **more)  # type: ignore[arg-type]


def _nginx(folder: Path, port: int, upstream: int) -> tuple[list[str], Path]:
    """The command that runs nginx in the foreground with our file, and its certificate."""
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            key,
            "-out",
            certificate,
            *subject,
        ],
        check=True,
        capture_output=True,
    )
    text = (ROOT / "deploy/nginx/armillary.conf").read_text()
    text = text.replace("listen 443", f"listen {port}").replace("/etc/letsencrypt/live/data.example.org", str(folder))
    (folder / "armillary.conf").write_text(
        text.replace("data.example.org", "localhost").replace(":8080", f":{upstream}")
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/armillary.conf; }}"
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    return [program, "-p", str(folder), "-c", str(folder / "nginx.conf")], certificate


def _caddy(folder: Path, port: int, upstream: int) -> tuple[list[str], Path]:
    """The command that runs Caddy with our file, and the certificate of its own authority."""
    text = (ROOT / "deploy/caddy/Caddyfile").read_text().replace(":8080", f":{upstream}")
    text = text.replace("\ndata.example.org {", f"\nhttps://localhost:{port} {{\n\ttls internal")
    (folder / "Caddyfile").write_text("{\n admin off\n auto_https disable_redirects\n skip_install_trust\n}\n" + text)
    program = Path(sys.executable).parent / "caddy"
    command = [str(program), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return command, folder / "caddy/pki/authorities/local/root.crt"


@pytest.fixture(scope="module", params=[_nginx, _caddy], ids=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    folder.chmod(0o755)
    upstream = alone(sample, workers=1, log_target=str(folder / "service.log"))
    make: Callable[[Path, int, int], tuple[list[str], Path]] = request.param
    command, certificate = make(folder, port, upstream.web.port)
    server = serving(upstream.changed(base_url=f"https://localhost:{port}{PREFIX}/tap"))
    server._wait = lambda: wait_for(f"http://127.0.0.1:{upstream.web.port}/readyz", None)  # type: ignore[method-assign]
    with server, (folder / "log").open("wb") as log:
        environment = {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"https://localhost:{port}{PREFIX}/readyz", certificate)
            yield Site(f"https://localhost:{port}{PREFIX}/tap", str(certificate), folder)
        finally:
            process.terminate()
            process.wait(20)


def test_a_client_finds_all_below_the_prefix(site: Site) -> None:
    document = site.get("/capabilities").text
    urls = re.findall(r"<accessURL[^>]*>([^<]+)<", document)
    assert urls
    assert all(url.startswith(site.url) for url in urls)


def test_pyvo_queries_and_runs_jobs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", site.certificate)
    service = pyvo.dal.TAPService(site.url)
    assert len(service.run_sync("SELECT TOP 3 name FROM demo.ngc")) == 3
    assert len(service.run_async("SELECT TOP 4 name FROM demo.ngc")) == 4


def test_a_login_is_taken_and_its_cookie_is_for_https(site: Site, person: MakePerson) -> None:
    ada = person()
    reply = site.post("/login", data={"USERNAME": ada.name, "PASSWORD": ada.password})
    assert reply.status_code == 200
    assert "Secure" in reply.headers["Set-Cookie"]
    assert site.get("/whoami", headers=basic(ada.name, ada.password)).headers["X-VO-Authenticated"] == ada.name


def test_pages_lead_to_pages_below_the_prefix(site: Site) -> None:
    page = site.get("/tables", headers={"Accept": "text/html,application/xhtml+xml"}).text
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert links
    assert all(link.startswith(PREFIX + "/") for link in links)
    for link in {link for link in links if "/static/" in link}:
        assert requests.get(site.url.removesuffix(f"{PREFIX}/tap") + link, verify=site.certificate, timeout=20).ok


def test_uploads_larger_than_a_proxy_takes_by_itself_arrive(site: Site) -> None:
    rows = "x\n" + "1.5\n" * 2_000_000
    files = {"list": ("list.csv", rows.encode())}
    data = {
        "LANG": "ADQL",
        "QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.list",
        "UPLOAD": "list,param:list",
        "FORMAT": "csv",
    }
    assert site.post("/sync", data=data, files=files).text.split() == ["n", "2000000"]


def test_rows_come_while_the_query_still_runs(site: Site) -> None:
    query = "SELECT a.ra, b.dec FROM demo.ngc AS a, demo.ngc AS b"
    parameters = {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "MAXREC": "100000000"}
    with site.get("/sync", params=parameters, stream=True) as reply:
        first = next(reply.iter_content(1 << 16))
        assert first.startswith(b"ra,dec\n")
    lines = _lines(site)
    assert not any(line["status"] == 200 and line.get("rows", 0) > 50_000_000 for line in lines)


def test_a_certificate_that_ends_soon_is_told_to_the_operator(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", site.certificate)
    (finding,) = findings_of_url(site.url)
    assert re.fullmatch("The certificate of localhost ends in [0-2] days", finding.what)


def test_the_log_knows_the_client_and_the_id_that_the_proxy_gave(site: Site) -> None:
    reply = site.get("/availability")
    id_ = reply.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f-]{32,36}", id_)
    assert eventually(lambda: any(line["id"] == id_ for line in _lines(site)), 5)


def _lines(site: Site) -> list[dict[str, object]]:
    lines = (site.folder / "service.log").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == "request"]
