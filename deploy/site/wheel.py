"""Put the site of all documents into the wheel, if it was built before (./deploy/docs)."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SiteHook(BuildHookInterface[Any]):  # type: ignore[misc]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        site = Path(self.root, "build", "docs")
        if (site / "index.html").is_file():
            build_data["shared_data"][str(site)] = "share/armillary/site"
