"""Which kind of folder a text means: a path, file://, s3:// (gs://, az://) or http(s)://."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from schema.load.reader import LoadError
from tap.bulk import http_folder, object_folder
from tap.bulk.folder import Folder
from tap.bulk.http_folder import HttpFolder
from tap.bulk.local_folder import LocalFolder
from tap.bulk.object_folder import ObjectFolder


def folder_of(text: str) -> Folder:
    """Return the folder that a text names, be it there or not. Raises: LoadError for another kind of URL."""
    text = text if text == "/" else text.rstrip("/")
    if text.startswith(http_folder.SCHEMES):
        return HttpFolder(text)
    if text.startswith(object_folder.SCHEMES):
        return ObjectFolder(text)
    return LocalFolder(path_of(text))


def path_of(text: str) -> Path:
    """Return the path of this machine that a text names, as file:// or without. Raises: LoadError for another kind of URL."""
    if text.startswith("file://"):
        return Path(unquote(urlsplit(text).path))
    if "://" in text:
        raise LoadError(f"{text}: files can be at a path, file://, s3://, gs://, az://, http:// or https://")
    return Path(text)
