"""One suite over every kind of place for results."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.storage.directory import MARK, Directory
from tap.storage.s3 import ObjectStore
from tap.storage.storage import NotStored, Storage, StorageAway, StorageFull
from tests.tap.storage.s3_server import BUCKET, S3Server

JOB, OTHER = "a" * 32, "a" * 31 + "b"
PART = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    server.make_bucket()
    yield server
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    if request.param == "folder":
        return Directory(tmp_path / "results", 0)
    server: S3Server = request.getfixturevalue("server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return ObjectStore(f"s3://{BUCKET}/{tmp_path.name}")


def put(storage: Storage, key: str, content: bytes, piece: int = 1 << 20) -> None:
    with storage.sink(key) as sink:
        for start in range(0, len(content), piece):
            sink.write(content[start : start + piece])


def everything(storage: Storage, key: str, size: int) -> bytes:
    return b"".join(storage.read(key, 0, size))


@pytest.mark.parametrize("size", [1, 1000, PART - 1, PART, PART + 1, 20_000_000])
def test_what_is_written_comes_back_whole_and_in_parts(storage: Storage, size: int) -> None:
    content = os.urandom(size)
    put(storage, f"{JOB}/1.vot", content)
    assert everything(storage, f"{JOB}/1.vot", size) == content
    for start, end in ((0, 1), (size - 1, size), (size // 3, 2 * size // 3), (size, size)):
        assert b"".join(storage.read(f"{JOB}/1.vot", start, end)) == content[start:end]


def test_nothing_is_there_before_it_is_whole(storage: Storage) -> None:
    with storage.sink(f"{JOB}/1.vot") as sink:
        sink.write(os.urandom(PART * 2))
        with pytest.raises(NotStored):
            storage.read(f"{JOB}/1.vot", 0, 10)
    assert len(everything(storage, f"{JOB}/1.vot", PART * 2)) == PART * 2


@pytest.mark.parametrize("size", [10, PART * 2])
def test_what_fails_leaves_nothing(storage: Storage, size: int) -> None:
    with pytest.raises(ZeroDivisionError), storage.sink(f"{JOB}/1.vot") as sink:
        sink.write(os.urandom(size))
        raise ZeroDivisionError
    assert list(storage.keys()) == []


def test_what_is_not_there_is_said_at_once(storage: Storage) -> None:
    with pytest.raises(NotStored):
        storage.read(f"{JOB}/9.vot", 0, 10)


def test_a_job_is_removed_with_all_it_has_and_no_other(storage: Storage) -> None:
    for key in (f"{JOB}/1.vot", f"{JOB}/2.csv", f"{OTHER}/1.vot"):
        put(storage, key, b"x")
    storage.remove(JOB)
    storage.remove(JOB)
    assert list(storage.keys()) == [f"{OTHER}/1.vot"]
    storage.remove_key(f"{OTHER}/1.vot")
    storage.remove_key(f"{OTHER}/1.vot")
    assert list(storage.keys()) == []


def test_an_attempt_does_not_disturb_another(storage: Storage) -> None:
    put(storage, f"{JOB}/1.vot", b"first")
    with storage.sink(f"{JOB}/2.vot") as sink:
        sink.write(b"second")
        assert everything(storage, f"{JOB}/1.vot", 5) == b"first"
    assert everything(storage, f"{JOB}/2.vot", 6) == b"second"


def test_two_write_at_once(storage: Storage) -> None:
    contents = {f"{JOB}/{n}.vot": os.urandom(PART + n) for n in range(4)}
    threads = [threading.Thread(target=put, args=(storage, key, content)) for key, content in contents.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(everything(storage, key, len(content)) == content for key, content in contents.items())


def test_a_bucket_that_is_away_says_so_and_is_used_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap.storage.s3.RETRIES", {"max_retries": 0})
    server = S3Server(tmp_path)
    server.start()
    server.make_bucket()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    storage = ObjectStore(f"s3://{BUCKET}")
    put(storage, f"{JOB}/1.vot", b"kept")
    server.stop()
    with pytest.raises(StorageAway):
        storage.read(f"{JOB}/1.vot", 0, 4)
    with pytest.raises(StorageAway):
        put(storage, f"{JOB}/2.vot", b"lost")
    with pytest.raises(StorageAway):
        list(storage.keys())
    server.start()
    assert everything(storage, f"{JOB}/1.vot", 4) == b"kept"
    server.stop()


def test_a_folder_keeps_a_reserve_free(tmp_path: Path) -> None:
    Directory(tmp_path, 1).check()
    with pytest.raises(StorageFull):
        Directory(tmp_path, 10**18).check()


def test_results_in_a_folder_are_for_the_service_alone(tmp_path: Path) -> None:
    put(Directory(tmp_path / "results", 0), f"{JOB}/1.vot", b"x")
    assert (tmp_path / "results").stat().st_mode & 0o077 == 0


# ---- a folder that cannot be reached


def test_an_empty_folder_is_new_only_while_no_job_has_a_result(tmp_path: Path) -> None:
    storage = Directory(tmp_path / "results", 0, lambda: True)
    for step in (storage.check, lambda: storage.sink(f"{JOB}/1.vot"), lambda: storage.read(f"{JOB}/1.vot", 0, 1)):
        with pytest.raises(StorageAway, match="mounted"):
            step()
    with pytest.raises(StorageAway), storage.local(f"{JOB}/1.vot"):
        pass
    (tmp_path / "results" / MARK).touch()
    put(storage, f"{JOB}/1.vot", b"x")
    with pytest.raises(NotStored):
        storage.read(f"{JOB}/2.vot", 0, 1)


def test_a_folder_with_results_of_an_earlier_version_is_no_empty_one(tmp_path: Path) -> None:
    put(Directory(tmp_path, 0), f"{JOB}/1.vot", b"x")
    (tmp_path / MARK).unlink()
    assert everything(Directory(tmp_path, 0, lambda: True), f"{JOB}/1.vot", 1) == b"x"
    Directory(tmp_path, 0, lambda: True).check()
    assert (tmp_path / MARK).exists()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system that nothing can be written to."""
    folder = tmp_path / "results"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], check=False, capture_output=True
    ).returncode:
        pytest.skip("File systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_takes_nothing_is_away_and_no_fault_of_ours(read_only: Path) -> None:
    with pytest.raises(StorageAway):
        Directory(read_only, 0).sink("ab12/1.vot")


def test_a_file_where_the_folder_must_be_is_away_too(tmp_path: Path) -> None:
    place = tmp_path / "results"
    place.write_text("no folder")
    storage = Directory(place, 0)
    for step in (storage.check, lambda: storage.sink("ab12/1.vot"), lambda: storage.read("ab12/1.vot", 0, 1)):
        with pytest.raises(StorageAway):
            step()
