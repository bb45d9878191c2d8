"""What accounts are told when their jobs have ended: by e-mail to their own address, and by webhooks, each as NOTIFY asks.

Webhooks are signed by the scheme of Standard Webhooks, whose receivers exist in many languages.
"""

import json
import secrets
import smtplib
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http.client import HTTPException
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from tap.auth.accounts import AccountsAway, AccountStore
from tap.auth.identity import Account
from tap.config import Config
from tap.config_sections import NotificationsConfig
from tap.uploads.remote import connected, ended_at, public_address, split_url
from uws.deliveries import Delivery, NotDelivered
from uws.errors import StoreAway
from uws.job import Job
from uws.parameters import ParameterError
from uws.store import Store
from uws.timestamps import write_instant

EMAIL = "email"
_MOST_TARGETS = 5
_SECONDS = 15.0
"""In which a receiver has answered, however slowly it does so: others wait for their messages."""
_SECRET = "whsec_"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whom an account lets know of all its jobs, and the secret that signs webhooks."""

    targets: tuple[str, ...]
    secret: str


def check_targets(targets: Sequence[str], account: Account, config: NotificationsConfig) -> None:
    """Raises: ParameterError for what cannot be told anything."""
    if len(targets) > _MOST_TARGETS:
        raise ParameterError(f"NOTIFY can be given {_MOST_TARGETS} times at most")
    for target in targets:
        if target == EMAIL:
            if not config.smtp_host:
                raise ParameterError("NOTIFY: this service sends no e-mail")
            if not account.email:
                raise ParameterError("NOTIFY: your account has no e-mail address; ask the operator to add it")
        elif not target.startswith(("http://", "https://")):
            raise ParameterError(f"NOTIFY is {EMAIL}, or a URL that is told, not {target[:60]!r}")
        elif not config.webhooks:
            raise ParameterError(f"NOTIFY: this service tells no URLs{', only ' + EMAIL if config.smtp_host else ''}")
        else:
            split_url(target, "NOTIFY")


def subscription(store: Store, owner: str) -> Subscription:
    """Return what an account has asked for. Raises: StoreAway."""
    rows = store.rows("subscriber", {"owner_id": owner})
    return Subscription(tuple(rows[0]["targets"]), rows[0]["secret"]) if rows else subscribe(store, owner)


def subscribe(store: Store, owner: str, targets: Sequence[str] | None = None, *, renew: bool = False) -> Subscription:
    """Set whom to tell of all jobs, None leaves it, and make another secret. Raises: StoreAway."""
    secret = _SECRET + b64encode(secrets.token_bytes(24)).decode()
    values = {"owner_id": owner, "targets": None if targets is None else list(targets), "secret": secret}
    row = store.rows("subscribe", values | {"renew": renew})[0]
    return Subscription(tuple(row["targets"]), row["secret"])


@dataclass(frozen=True)
class Notifier:
    """Sends what is due."""

    config: Config
    store: Store
    accounts: AccountStore

    def send(self, delivery: Delivery) -> None:
        """Raises: NotDelivered."""
        try:
            jobs = self.store.jobs([delivery.job_id])
            data = _data(delivery, jobs[0] if jobs else None, self.config.web.base_url)
            if delivery.target == EMAIL:
                self._send_mail(delivery, data)
            else:
                _post(delivery, data, subscription(self.store, delivery.owner_id), self._hosts)
        except (StoreAway, AccountsAway) as error:
            raise NotDelivered("the database is away") from error

    @property
    def _hosts(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.config.notifications.webhook_hosts.split(","))

    def _send_mail(self, delivery: Delivery, data: Mapping[str, object]) -> None:
        settings, record = self.config.notifications, self.accounts.record(delivery.owner_id)
        if record is None or record.disabled or not record.account.email or not settings.smtp_host:
            return
        mail = _mail(data, self.config.web.title, delivery.message_id)
        mail["From"], mail["To"] = settings.mail_from, record.account.email
        try:
            with _smtp(settings) as server:
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(f"{settings.smtp_host} does not take the e-mail: {type(error).__name__}") from error


def _data(delivery: Delivery, job: Job | None, base_url: str) -> dict[str, object]:
    """Return what is told, without the query: whoever listens may ask for it. The job may be gone meanwhile."""
    seconds = (job.end_time - job.start_time).total_seconds() if job and job.end_time and job.start_time else None
    return {
        "job": delivery.job_id,
        "url": f"{base_url}/async/{delivery.job_id}",
        "phase": delivery.phase,
        "ended": write_instant(job.end_time) if job else None,
        "owner": delivery.owner_id,
        "run_id": job.run_id if job else None,
        "seconds": seconds,
        "rows": job.results[0].rows if job and job.results else None,
        "error": job.error.message if job and job.error else None,
    }


def _mail(data: Mapping[str, object], title: str, message_id: str) -> EmailMessage:
    name = data["run_id"] or data["job"]
    told = {"Rows": data["rows"], "Seconds": data["seconds"], "Error": data["error"]}
    lines = [f"{label}: {value}" for label, value in told.items() if value is not None]
    mail = EmailMessage()
    # A line break in a name of the user's would begin another header.
    mail["Subject"] = " ".join(f"{title}: job {name} is {data['phase']}".split())
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(message_id, urlsplit(str(data["url"])).hostname or "localhost")
    mail["X-Armillary-Message"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join([f"Your job {name} is {data['phase']}.", *lines, "", str(data["url"]), ""]))
    return mail


def _smtp(settings: NotificationsConfig) -> smtplib.SMTP:
    """Return a connection that is logged in. Raises: OSError, smtplib.SMTPException."""
    kind = smtplib.SMTP_SSL if settings.smtp_security == "tls" else smtplib.SMTP
    with ExitStack() as stack:
        server = kind(settings.smtp_host, settings.smtp_port, timeout=_SECONDS)
        stack.callback(server.close)
        if settings.smtp_security == "starttls":
            server.starttls()
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        stack.pop_all()
    return server


def _post(delivery: Delivery, data: Mapping[str, object], subscription: Subscription, hosts: frozenset[str]) -> None:
    """Post a signed message to the URL of a delivery, which must be public or of `hosts`. Raises: NotDelivered."""
    parts, now = urlsplit(delivery.target), datetime.now(UTC)
    body = json.dumps({"type": f"job.{delivery.phase.lower()}", "timestamp": write_instant(now), "data": data})
    is_trusted = (parts.hostname or "").lower() in hosts
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "User-Agent": "armillary-webhook",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(subscription.secret).sign(delivery.message_id, now, body),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = connected(parts, (lambda host, port: (host, port)) if is_trusted else public_address)
        connection.timeout = _SECONDS
        end = time.monotonic() + _SECONDS
        with closing(connection), ended_at(end, connection.sock):
            connection.request("POST", path, body.encode(), headers)
            status = connection.getresponse().status
        if time.monotonic() >= end:
            # A connection that is ended looks like the end of the headers.
            raise TimeoutError
    except ParameterError as error:
        raise NotDelivered(str(error).removeprefix("UPLOAD: ")) from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(f"{parts.hostname} cannot be reached: {type(error).__name__}") from error
    if not 200 <= status < 300:
        raise NotDelivered(f"{parts.hostname} answers with status {status}")
