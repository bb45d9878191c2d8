from concurrent.futures import ThreadPoolExecutor

from tap.config import Config
from tap.engine import database


def test_machines_that_start_at_the_same_time_all_make_the_database_ready(config: Config) -> None:
    with ThreadPoolExecutor(6) as machines:
        applied = list(machines.map(lambda _: database.prepare(config, lambda _: None), range(24)))
    assert applied == [[]] * 24
