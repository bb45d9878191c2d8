"""What an operator can set, in frozen sections."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The configuration has an unknown key or an impossible value."""


def _default_data_dir() -> str:
    if os.geteuid() == 0:
        return "/var/lib/armillary"
    return str(Path.home() / ".local/state/armillary")


def _about(default: Any, about: str, *, is_secret: bool = False) -> Any:
    metadata = {"about": about, "is_secret": is_secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The service as its users see it, and how requests are taken."""

    base_url: str = _about(
        "http://localhost:8080/tap", "URL of the service as its users type it; all links begin with it"
    )
    host: str = _about("127.0.0.1", "address to listen on; 0.0.0.0 for all")
    port: int = _about(8080, "port to listen on")
    processes: int = _about(2, "web processes")
    title: str = _about("Armillary TAP service", "name of the service")
    publisher: str = _about("", "who publishes the data")
    contact: str = _about("", "address for questions")
    examples: str = _about("", "file with examples of your own ([[examples]] with id, name, about, query); empty: none")
    documents: str = _about(
        "",
        "folder with the site of all documents, shown at /docs; empty: build/docs beside the sources or the one in the wheel, if it is there",
    )
    bulk: str = _about(
        "",
        "where exported tables lie, which are then served at /bulk: a folder, or s3://bucket/prefix, with a folder for each table; empty: none are",
    )
    name_resolver: str = _about(
        "", "URL that gives the position of an object, in the form of CDS's Sesame, with {} for its name; empty: none"
    )
    body_limit: int = _about(1_000_000, "bytes of a request's parameters")
    head_seconds: float = _about(
        10.0, "seconds in which the head of a request must have come, else its connection is closed"
    )
    body_seconds: float = _about(
        10.0, "seconds in which a request's body must have come; large ones get more, by their size"
    )
    concurrent_queries: int = _about(16, "queries that run at once in one web process; more wait")
    queries_per_owner: int = _about(
        10, "queries of one account, or of one address, that run at once in one web process; more wait"
    )
    queue_limit: float = _about(10.0, "seconds that a query waits for its turn before it gets 503")
    stall_limit: float = _about(60.0, "seconds that a client may take to accept the next piece of a result")
    spool_memory: int = _about(
        8_000_000,
        "bytes of a result that wait in memory for a slow client, four times as many of all results of a process; more go to a file",
    )
    spool_limit: int = _about(8_000_000_000, "bytes of a result that may wait in a file for a slow client")

    def __post_init__(self) -> None:
        if not self.queries_per_owner > 0:
            raise ConfigError("queries_per_owner must be at least 1")
        if not 0 <= self.port < 1 << 16:
            raise ConfigError("port must be between 0 and 65535")
        if not (self.processes > 0 and self.concurrent_queries > 0):
            raise ConfigError("processes and concurrent_queries must be at least 1")
        if self.base_url.endswith("/") or not self.base_url.startswith(("http://", "https://")):
            raise ConfigError("base_url must begin with http:// or https:// and have no / at its end")


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Where tables and jobs are kept, and what a query may take there."""

    data_dir: str = _about(_default_data_dir, "folder of the private PostgreSQL cluster")
    database: str = _about("", "PostgreSQL to use, as a libpq connection string; empty: a private cluster of our own")
    owner_database: str = _about(
        "", "the same for the role that owns the catalogues; empty: `database` as armillary_owner"
    )
    admin_database: str = _about("", "the same for a superuser, used by migrate only; empty: `database` as it is")
    jobs_database: str = _about("", "PostgreSQL of the job store; empty: `database` as armillary_jobs")
    accounts_database: str = _about("", "PostgreSQL of the accounts; empty: `database` as armillary_accounts")
    shared_buffers: str = _about("", "shared_buffers of the private cluster; empty: a quarter of the memory")
    work_mem: str = _about("64MB", "memory of a sort or hash of a stranger's query")
    temp_file_limit: str = _about("20GB", "temporary files of a stranger's query")


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """Limits of queries and their results."""

    maxrec_default: int = _about(100_000, "rows of a result when MAXREC is not given")
    maxrec_hard: int = _about(1_000_000_000, "rows of a result at most")
    sync_limit: float = _about(60.0, "seconds that a /sync query may take")
    query_length: int = _about(600_000, "characters of a query; longer lists are better uploaded")

    def __post_init__(self) -> None:
        if not 0 < self.maxrec_default <= self.maxrec_hard:
            raise ConfigError("maxrec_default must be between 1 and maxrec_hard")


@dataclass(frozen=True, slots=True)
class UploadsConfig:
    """Tables that come with a query."""

    upload_rows: int = _about(100_000_000, "rows of all uploads of a query")
    upload_bytes: int = _about(8_000_000_000, "bytes of all uploads of a query")
    upload_columns: int = _about(1_000, "columns of an upload")
    upload_cells: int = _about(10_000_000_000, "rows times columns of all uploads of a query")
    upload_unpacked_bytes: int = _about(100_000_000_000, "bytes of all uploads of a query when they are unpacked")
    upload_unpacked_at_once: int = _about(
        256_000_000, "bytes that the pages of an upload in Parquet, or a batch of one in Arrow, may have in memory"
    )
    upload_part_rows: int = _about(
        200_000, "rows of an upload that meet the catalogue at once; larger ones do so in parts of the sky"
    )
    upload_hosts: str = _about(
        "", "hosts that UPLOAD may name in URLs, separated by commas, *.example.org for all below; empty: none"
    )
    upload_seconds: float = _about(60.0, "seconds that an upload by URL may take")
    upload_folder: str = _about("", "folder in which uploads wait for their query; empty: `uploads` in data_dir")

    def __post_init__(self) -> None:
        if not self.upload_part_rows > 0:
            raise ConfigError("upload_part_rows must be at least 1")


@dataclass(frozen=True, slots=True)
class JobsConfig:
    """Queries that run as jobs, and their results."""

    workers: int = _about(
        1, "worker processes that `armillary serve` starts for jobs; 0: run `armillary work` elsewhere"
    )
    worker_slots: int = _about(4, "jobs that one worker process runs at once")
    long_slots: int = _about(3, "how many of them may be long ones; the others are kept for short jobs")
    short_lane: float = _about(10.0, "seconds that a job of the short lane is expected to take at most")
    drain_seconds: float = _about(8.0, "seconds that running jobs get to end when a worker is told to stop")
    job_duration_default: int = _about(3600, "execution duration of a job in seconds, if it sets none")
    job_duration_limit: int = _about(86_400, "the longest execution duration; 0: no limit")
    job_lifetime_default: int = _about(7 * 86_400, "seconds after which a job is destroyed, if it sets no time")
    job_lifetime_limit: int = _about(60 * 86_400, "the longest life that a job can set, in seconds")
    job_archive: int = _about(0, "seconds for which the record of a job is kept after its destruction; 0: none is kept")
    job_list_limit: int = _about(10_000, "jobs in a job list at most, the newest")
    jobs_running_per_owner: int = _about(
        3, "jobs of one owner, or of one address, that run at once; more wait. 0: no limit"
    )
    jobs_waiting_per_owner: int = _about(2_000, "jobs of one owner, or of one address, that may wait; more get 429")
    jobs_waiting: int = _about(20_000, "jobs of all that may wait; more get 503")
    standing_seconds: float = _about(
        60.0, "seconds between two looks whether the data of a standing query have changed"
    )
    wait_limit: float = _about(60.0, "seconds after which a request with WAIT is answered in any case")
    wait_requests: int = _about(
        2_000, "requests with WAIT that wait at once in one web process; more are answered at once"
    )
    wait_requests_per_owner: int = _about(200, "the same of one account, or of one address; more are answered at once")
    job_uploads_per_owner: int = _about(
        50_000_000_000,
        "bytes of the files that came with all jobs of an account, or of one address, and are still there; more get 507. 0: no limit",
    )
    results: str = _about(
        "",
        "where results of jobs lie, of this service alone, which deletes all others there: a folder, or s3://bucket/prefix; empty: `results` in data_dir",
    )
    results_per_owner: int = _about(
        100_000_000_000, "bytes of the results of all jobs of an account; more run when some are deleted. 0: no limit"
    )
    results_of_strangers: int = _about(
        100_000_000_000, "bytes of the results of all jobs of strangers together; 0: no limit"
    )
    reuse_results: bool = _about(
        default=True,
        about="jobs that ask the same of the same data as an earlier one get a copy of its result, unless they say REUSE=refuse",
    )
    results_reserve: int = _about(
        200_000_000, "bytes that must be free in the folder of results, else new jobs get 503"
    )

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ConfigError("workers must be at least 0")
        if not self.worker_slots > 0 or not 0 < self.long_slots <= self.worker_slots:
            raise ConfigError("long_slots must be between 1 and worker_slots")
        if not 0 < self.job_lifetime_default <= self.job_lifetime_limit:
            raise ConfigError("job_lifetime_default must be between 1 and job_lifetime_limit")
        if self.job_duration_limit and not 0 < self.job_duration_default <= self.job_duration_limit:
            raise ConfigError("job_duration_default must be between 1 and job_duration_limit")


@dataclass(frozen=True, slots=True)
class AccountsConfig:
    """Who may use the service, and how they log in."""

    anonymous: bool = _about(True, "whether the service may be used without an account")
    session_seconds: int = _about(7 * 86_400, "seconds after which a login by cookie ends")
    token_seconds: int = _about(365 * 86_400, "seconds for which a token is valid at most; 0: no limit")
    tokens_per_account: int = _about(100, "tokens that an account may have")
    shares_per_account: int = _about(1000, "tables and results that an account may share at once")
    standing_per_account: int = _about(20, "standing queries that an account may have")
    groups_per_account: int = _about(100, "groups that an account may make")
    trusted_proxies: str = _about(
        "127.0.0.1",
        "addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas",
    )

    def __post_init__(self) -> None:
        if not self.session_seconds > 0:
            raise ConfigError("session_seconds must be at least 1")


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """An OpenID provider that vouches for people."""

    oidc_issuer: str = _about("", "URL of an OpenID provider that people may log in by; empty: none")
    oidc_client_id: str = _about("", "what that provider calls this service")
    oidc_client_secret: str = _about("", "the secret between both; best given in the environment", is_secret=True)
    oidc_scopes: str = _about("openid profile email", "what is asked of the provider, separated by blanks")
    oidc_name_claim: str = _about("preferred_username", "the claim that a new account is called by")
    oidc_groups_claim: str = _about("groups", "the claim that lists groups; those that exist here are taken over")

    def __post_init__(self) -> None:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ConfigError("oidc_issuer needs oidc_client_id and oidc_client_secret")
        if self.oidc_issuer and "openid" not in self.oidc_scopes.split():
            raise ConfigError("oidc_scopes must have openid among them")


@dataclass(frozen=True, slots=True)
class OwnTablesConfig:
    """Tables that accounts have of their own; groups can have other limits."""

    own_tables: int = _about(1_000, "tables that an account may have of its own; 0: no limit")
    own_rows: int = _about(1_000_000_000, "rows of all tables of an account; 0: no limit")
    own_bytes: int = _about(100_000_000_000, "bytes of all tables of an account on the disk; 0: no limit")
    own_days: int = _about(0, "days after which a table of an account is dropped; 0: it is kept")


@dataclass(frozen=True, slots=True)
class NotificationsConfig:
    """How accounts are told that their jobs have ended."""

    webhooks: bool = _about(True, "whether NOTIFY may name URLs, which are told of ended jobs; only of public hosts")
    webhook_hosts: str = _about(
        "", "hosts that NOTIFY may name though they are not public, separated by commas; empty: none"
    )
    smtp_host: str = _about("", "server that sends e-mail to accounts whose jobs have ended; empty: none is sent")
    smtp_port: int = _about(587, "its port")
    smtp_security: str = _about("starttls", "starttls, tls or none")
    smtp_user: str = _about("", "who logs in there; empty: nobody")
    smtp_password: str = _about("", "the password for it", is_secret=True)
    mail_from: str = _about("", "address that e-mail comes from")
    event_streams: int = _about(2000, "listeners to /tap/events at once in one web process; more get 503")
    event_streams_per_owner: int = _about(50, "listeners of one account, or of one address, at once in one web process")

    def __post_init__(self) -> None:
        if self.smtp_security not in {"starttls", "tls", "none"}:
            raise ConfigError(f"smtp_security can be starttls, tls or none, not {self.smtp_security!r}")
        if self.smtp_host and "@" not in self.mail_from:
            raise ConfigError("smtp_host needs mail_from, the address that e-mail comes from")


@dataclass(frozen=True, slots=True)
class ProbesConfig:
    """How the service asks itself whether it works."""

    probe_seconds: float = _about(
        60.0, "seconds between the probes that `armillary serve` makes at base_url for the status page; 0: none"
    )
    probe_token: str = _about(
        "", "token by which probes ask where strangers may not (armillary tokens add)", is_secret=True
    )


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What is written of what happens."""

    log_level: str = _about("info", "least level of what is logged: debug, info, warning or error")
    log_target: str = _about("", "file that the log goes to, at its end; empty: standard error")
    log_format: str = _about("auto", "json, text, or auto: text where a person looks at a terminal, else json")
    log_queries: bool = _about(False, "whether the log has the text of queries")
    log_addresses: str = _about(
        "hashed", "plain, or hashed: a stranger's lines belong together until the service is started anew"
    )
    traces: bool = _about(
        False, "whether traces go to where OTEL_EXPORTER_OTLP_ENDPOINT says (pip install 'armillary[tracing]')"
    )
    metrics_port: int = _about(0, "port at which Prometheus finds metrics; 0: none are counted")
    metrics_host: str = _about("127.0.0.1", "address of that port")

    def __post_init__(self) -> None:
        if not 0 <= self.metrics_port < 1 << 16:
            raise ConfigError("metrics_port must be between 0 and 65535")
        for name, values in _CHOICES.items():
            if (value := getattr(self, name)) not in values:
                raise ConfigError(f"{name} can be {', '.join(values[:-1])} or {values[-1]}, not {value!r}")


_CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("json", "text", "auto"),
    "log_addresses": ("plain", "hashed"),
}


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """What the records of the service's registry say beside title, publisher and contact; tap/registry/settings.py checks it."""

    registry_authority: str = _about("", "authority of the IVOA identifiers of records, as org.example; empty: no /oai")
    registry_description: str = _about("", "what the service offers, in some sentences; empty: its title and publisher")
    registry_subjects: str = _about("catalogs", "terms of http://www.ivoa.net/rdf/uat, separated by commas")
    registry_reference_url: str = _about("", "page that tells more of the service; empty: its own first page")
    registry_contact_name: str = _about("", "person or group who reads what comes to `contact`; empty: the publisher")
    registry_publisher_id: str = _about("", "IVOA identifier that the publisher has already; empty: a record is made")
    registry_page_size: int = _about(50, "records in one answer of /oai; a resumption token leads to the next ones")
