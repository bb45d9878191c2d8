"""Where the results of jobs lie, one file a kind of place."""

from pathlib import Path

from tap.config import Config
from tap.storage.directory import Directory
from tap.storage.storage import Storage

__all__ = ["Storage", "storage_of"]


def storage_of(config: Config) -> Storage:
    """The place that the configuration names."""
    return Directory(Path(config.results or Path(config.data_dir) / "results").absolute(), config.results_reserve)
