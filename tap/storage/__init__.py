"""Where the results of jobs lie, one file a kind of place."""

from collections.abc import Callable
from pathlib import Path

from tap.config import Config
from tap.config_sections import ConfigError
from tap.storage.directory import Directory
from tap.storage.s3 import ObjectStore
from tap.storage.storage import Storage

__all__ = ["Storage", "results_folder", "storage_of"]


def storage_of(config: Config, has_results: Callable[[], bool]) -> Storage:
    """Return the place that the configuration names. Raises: ConfigError for a bucket without the library for it.

    `has_results` tells whether jobs have results, so that an empty folder is no new one.
    """
    if config.jobs.results.startswith("s3://"):
        try:
            return ObjectStore(config.jobs.results)
        except ImportError:
            raise ConfigError("results in a bucket need a further library: pip install 'armillary[objects]'") from None
    return Directory(_folder(config), config.jobs.results_reserve, has_results)


def results_folder(config: Config) -> Path | None:
    """Return the folder with the results of jobs; None where they lie in a bucket."""
    return None if config.jobs.results.startswith("s3://") else _folder(config)


def _folder(config: Config) -> Path:
    return Path(config.jobs.results or Path(config.database.data_dir) / "results").absolute()
