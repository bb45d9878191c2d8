"""`armillary serve` and `armillary work`: the processes of the service."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from tap.clear_errors import clear_errors
from tap.config import Config
from tap.config_sections import ConfigError, WebConfig
from tap.config_sources import load_config
from tap.connection import BoundedConnection
from tap.engine import database
from tap.log import Log, make_key
from tap.metrics import Metrics, make_folder, metrics_enabled
from tap.observe import Observer, send_to
from tap.probes import probing
from tap.processes import (
    activated_socket,
    end_in_good_order,
    follow_parent,
    name_process,
    note_start,
    share_modules,
    tell_on_hangup,
    workers,
)
from tap.sharding.setup import migrate_shards


@click.command()
@click.option(
    "--migrate/--no-migrate",
    "migrates",
    default=True,
    help="Whether to bring the database up to date first, for which it needs a superuser; else `armillary migrate` must have done so.",
)
@click.pass_obj
def serve(config: Config, *, migrates: bool) -> None:
    """Serve the catalogues over HTTP."""
    end_in_good_order()
    if not os.access(".", os.X_OK):
        # The processes that are started go where this one is, and could not: a folder of root's, say.
        os.chdir("/")
    with clear_errors(), database.running_database(config, keeps=True):
        # What it cannot write to, no process that it starts could.
        send_to(Log(config.log))
        if migrates:
            database.prepare(config, click.echo)
            migrate_shards(config, click.echo)
        else:
            database.check_migrated(config)
        click.echo(f"TAP service at {config.web.base_url}   (Ctrl-C stops)", err=True)
        os.environ.update(config.as_environment())
        # Many threads that come and go would each keep a heap of their own.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
        make_key()
        with _metrics(config):
            note_start()
            tell_on_hangup()
            share_modules("tap.app")
            with (
                database.kept_running(config),
                workers(config.jobs.workers, config.jobs.drain_seconds, worker_process),
                probing(config),
            ):
                _serve_http(config)


@contextmanager
def _metrics(config: Config) -> Iterator[None]:
    """Serve what this process and those that it starts count, if that is wanted, and not done by the one that started it."""
    if not config.log.metrics_port or metrics_enabled():
        yield
        return
    with make_folder() as folder:
        from tap.metrics_server import metrics_served

        with metrics_served(config, folder):
            yield


def _observe(config: Config) -> None:
    observers: list[Observer] = [Log(config.log)]
    if metrics_enabled():
        observers.append(Metrics())
    if config.log.traces:
        from tap.tracing import Traces

        observers.append(Traces())
    send_to(*observers)


def _serve_http(config: Config) -> None:
    """Serve until a signal comes. Raises: SystemExit where the web processes cannot even begin."""
    settings = uvicorn.Config(
        "tap.service_commands:web_process",
        factory=True,
        http=BoundedConnection,
        ws="none",
        host=config.web.host,
        port=config.web.port,
        workers=config.web.processes,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=config.accounts.trusted_proxies,
        date_header=True,
        timeout_graceful_shutdown=5,
    )
    sockets = [activated_socket() or _bound_socket(config.web)]
    if config.web.processes > 1:
        supervisor = Multiprocess(settings, sockets)
        supervisor.run()
        has_begun = all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)
    else:
        server = uvicorn.Server(settings)
        with suppress(KeyboardInterrupt):
            server.run(sockets)
        has_begun = server.started
    if not has_begun:
        raise SystemExit(STARTUP_FAILURE)


def _bound_socket(web: WebConfig) -> socket.socket:
    """Return what the web processes listen at. Raises: ConfigError."""
    bound = socket.socket(socket.AF_INET6 if ":" in web.host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((web.host, web.port))
    except OSError as error:
        raise ConfigError(f"port {web.port} of {web.host} cannot be listened at: {error.strerror}") from error
    bound.set_inheritable(True)
    return bound


def web_process() -> object:
    """The application of one web process; its configuration comes through the environment.

    Raises: SystemExit where it cannot begin, which would fail again and again.
    """
    # Not above: the process that starts the others needs none of it.
    from tap.app import create_app

    config = load_config()
    if multiprocessing.parent_process():
        tell_on_hangup()
        follow_parent()
        name_process("armillary-web")
    try:
        _observe(config)
        return create_app(config)
    except (ConfigError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(STARTUP_FAILURE) from None


@click.command()
@click.pass_obj
def work(config: Config) -> None:
    """Run jobs from the queue, beside those of `serve` or on machines of their own; the database must be there."""
    from tap.parts import query_worker

    name_process("armillary-work")
    tell_on_hangup()
    end_in_good_order()
    with clear_errors(), _metrics(config), query_worker(config) as worker:
        _observe(config)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: worker.drain(config.jobs.drain_seconds))
        worker.run()


def worker_process() -> None:
    """Do what `armillary work` does; the configuration comes through the environment."""
    follow_parent()
    work.main([], obj=load_config())
