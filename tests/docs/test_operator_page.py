"""Ten minutes for an operator, word for word, on a bare Debian 12: a folder that debootstrap makes, with no systemd."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "ten-minutes-operator.md"
_BLOCK = re.compile(r"^<!-- (run(?:: no systemd)?) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MIRROR = "http://deb.debian.org/debian"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PORTS = (443, 8080, 9464)
SOURCES = "/root/armillary"
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="Only root can make a root of its own"),
    pytest.mark.skipif(
        not shutil.which("debootstrap"), reason="debootstrap is not installed: apt-get install debootstrap"
    ),
]
RESTORE = """
cp -a /var/backups/armillary/* /tmp/backup
kill "$(cat /var/lib/armillary/keeper.pid)"
wait $! || true
rm -rf /var/lib/armillary/postgres /var/lib/armillary/results
chown -R armillary /tmp/backup
armillary restore /tmp/backup
armillary serve &
curl --silent --fail --retry 60 --retry-delay 1 --retry-all-errors http://localhost:8080/readyz
test "$(armillary users list | grep -c ada)" = 1
curl --silent --fail --cacert /etc/ssl/certs/armillary.pem --resolve data.example.org:443:127.0.0.1 https://data.example.org/tap/sync \\
    -d LANG=ADQL -d RESPONSEFORMAT=csv -d "QUERY=SELECT COUNT(*) AS n FROM observatory.bright" | grep '^8'
echo the page is true
"""
"""What the page tells to try: the backup is put back, and the service is the same."""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The root of a Debian with nothing but its base and these sources."""
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"Port {port} is in use")
    root = tmp_path / "bare"
    subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", str(root), _MIRROR], check=True, capture_output=True
    )
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        target = root / SOURCES.lstrip("/") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    if _CERTIFICATES.exists():
        # Whom this machine trusts, as a mirror of PyPI's may be signed by its owner.
        shutil.copy(_CERTIFICATES, root / "etc" / "mirror.crt")
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    return root


def test_a_bare_debian_becomes_a_public_service_that_can_be_restored(bare: Path) -> None:
    blocks = [text for _, text in _BLOCK.findall(PAGE.read_text("utf-8"))]
    assert len(blocks) > 10
    script = "\n".join(["set -euxo pipefail", f"cd {SOURCES}", "mount -t proc proc /proc", *blocks, RESTORE])
    (bare / "root" / "page.sh").write_text(script)
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    if (bare / "etc" / "mirror.crt").exists():
        environment["PIP_CERT"] = "/etc/mirror.crt"
    # In a space of processes of its own, so that all of them end with it.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(bare), "bash", "/root/page.sh"]
    log = bare.parent / "page.log"
    with log.open("w") as output:
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    text = log.read_text(errors="replace")
    assert (done.returncode, "the page is true" in text) == (0, True), text[-4000:]
