"""/bulk: the exported tables, each with a list of its files, and the files themselves, to be fetched whole or in parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schema.model import Table
from tap.bulk.folder import NoSuchFile
from tap.bulk.links import links_document
from tap.bulk.manifest import CHECKSUMS, MANIFEST, ExportedFile, ExportManifest
from tap.bulk.served import BulkFolder, bulk_folder
from tap.config import Config
from tap.datalink.result_links import LINKS_TYPE
from tap.downloads import Download, sent
from tap.errors import NotFound
from tap.pages.negotiation import wants_page
from tap.pages.rendering import CatalogueOf, Pages
from tap.vosi_resources import table_named

_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".properties": "text/plain; charset=utf-8",
    ".fits": "application/fits",
    ".vot": "application/x-votable+xml",
}
_SHOWN = {MANIFEST, CHECKSUMS, "properties", "hats.properties", "partition_info.csv"}
_PRIVATE = {"cache-control": "private, no-cache", "vary": "Accept, Authorization, Cookie"}
_VOTABLE = "application/x-votable+xml"
_ON_A_PAGE = 2_000
"""Files that a page lists."""


@dataclass(frozen=True)
class BulkResources:
    """The handlers; `catalogue` tells what who asks may read."""

    config: Config
    pages: Pages
    catalogue: CatalogueOf

    @property
    def routes(self) -> list[Route]:
        """Return the routes. Raises: ConfigError for a bucket without the library for it."""
        bulk_folder(self.config.web.bulk)
        get, table = ["GET"], "/bulk/{table}"
        return [
            *(Route(path, self.tables, methods=get) for path in ("/bulk", "/bulk/")),
            *(Route(path, self.table, methods=get) for path in (table, f"{table}/")),
            Route(f"{table}/{{name:path}}", self.file, methods=get),
        ]

    @property
    def _folder(self) -> BulkFolder:
        return bulk_folder(self.config.web.bulk)

    async def tables(self, request: Request) -> Response:
        """List the exported tables that who asks may read."""
        tables = {table.table_name: table for table in (await self.catalogue(request)).tables}
        manifests = await run_in_threadpool(self._folder.manifests, tables)
        listed = [self._about(tables[name], manifest) for name, manifest in sorted(manifests.items())]
        if wants_page(request.scope):
            return self.pages.response(request, "bulk.html", {"tables": listed})
        return JSONResponse({"tables": listed}, headers=_PRIVATE)

    async def table(self, request: Request) -> Response:
        """List the files of a table."""
        table = await self._table(request)
        manifest = await run_in_threadpool(self._folder.manifest, table.table_name)
        if manifest is None:
            raise NotFound(f"{table.table_name} is not exported")
        about = self._about(table, manifest)
        files = list(self._files(about["url"], manifest))
        if _wants_links(request):
            media_types = {file["name"]: media_type_of(file["name"]) for file in files}
            return Response(links_document(about, files, media_types), headers=_PRIVATE, media_type=LINKS_TYPE)
        if wants_page(request.scope):
            values = {"about": about, "files": files[:_ON_A_PAGE], "more": max(0, len(files) - _ON_A_PAGE)}
            return self.pages.response(request, "bulk_table.html", values)
        return JSONResponse({**about, "files": files}, headers=_PRIVATE)

    async def file(self, request: Request) -> Response:
        """Answer with a file of a table."""
        table, name = await self._table(request), request.path_params["name"]
        return await run_in_threadpool(self._sent, request, table.table_name, name)

    def _sent(self, request: Request, table_name: str, name: str) -> Response:
        file = self._folder.file(table_name, name)
        if file is None:
            raise NotFound(f"{table_name} has no file {name[:200]}")
        about = Download(PurePosixPath(name).name, media_type_of(name), file.size, file.digest, inline=name in _SHOWN)
        try:
            return sent(request, about, partial(self._folder.read, table_name, name))
        except NoSuchFile as error:
            raise NotFound(
                f"{name[:200]} of {table_name} is gone from this service; it has to be exported again"
            ) from error

    async def _table(self, request: Request) -> Table:
        """Return the table of a URL. Raises: NotFound for one that who asks may not know of; ClosedTable."""
        return table_named(await self.catalogue(request), request.path_params["table"])

    def _about(self, table: Table, manifest: ExportManifest) -> dict[str, Any]:
        url = f"{self.config.web.base_url.removesuffix('/tap')}/bulk/{quote(table.table_name)}"
        return {
            "table": table.table_name,
            "url": url,
            "datalink": f"{url}?RESPONSEFORMAT=datalink",
            "format": manifest.format,
            "rows": manifest.rows,
            "bytes": manifest.size,
            "made": manifest.made,
            "complete": manifest.complete,
            # What is exported is older than the table.
            "outdated": manifest.data_version != table.data_version,
        }

    def _files(self, url: str, manifest: ExportManifest) -> Iterator[dict[str, Any]]:
        for name, file in sorted(manifest.files.items()) if manifest.complete else ():
            yield _listed(url, name, file)


def _wants_links(request: Request) -> bool:
    """Return whether a client asks for the files as DataLink has them."""
    format_ = request.query_params.get("RESPONSEFORMAT", "")
    return format_.lower() in {"votable", "datalink"} or _VOTABLE in request.headers.get("accept", "")


def media_type_of(name: str) -> str:
    return _TYPES.get(
        PurePosixPath(name).suffix, "text/plain; charset=utf-8" if name in _SHOWN else "application/octet-stream"
    )


def _listed(url: str, name: str, file: ExportedFile) -> dict[str, Any]:
    address = f"{url}/{quote(name, safe='/=')}"
    return {"name": name, "url": address, "bytes": file.size, "sha256": file.sha256, "rows": file.rows}
