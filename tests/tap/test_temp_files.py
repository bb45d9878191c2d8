"""Files that a query needs leave the disk some room."""

import errno
from pathlib import Path

import pytest

from tap.temp_files import TempFiles


def test_a_disk_with_too_little_left_is_full(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room") as error:
        TempFiles(tmp_path, 10**18).check()
    assert error.value.errno == errno.ENOSPC


def test_a_disk_with_enough_left_is_not(tmp_path: Path) -> None:
    TempFiles(tmp_path, 0).check()


def test_small_files_never_get_to_the_disk_and_large_ones_have_no_name(tmp_path: Path) -> None:
    with TempFiles(tmp_path, 0).file() as file:
        file.write(b"x" * 9_000_000)
        assert list(tmp_path.iterdir()) == []
        file.seek(0)
        assert len(file.read()) == 9_000_000
