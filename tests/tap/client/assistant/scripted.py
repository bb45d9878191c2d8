"""An assistant that follows a script: a client of the MCP SDK, and `armillary mcp` as a process of its own."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, Tool

from tests.conftest import ROOT

Said = dict[str, Any]


@dataclass
class Assistant:
    """Calls tools, and remembers all that came back."""

    portal: BlockingPortal
    client: Client
    folder: Path
    heard: list[str] = field(default_factory=list)

    def _call(self, tool: str, arguments: Said) -> CallToolResult:
        result = self.portal.call(self.client.call_tool, tool, arguments)
        self.heard.append(result.model_dump_json())
        return result

    def do(self, tool: str, **arguments: Any) -> Said:
        """What a tool answers; as text it says the same."""
        result = self._call(tool, arguments)
        assert not result.is_error, result.content
        assert json.loads(result.content[0].text) == result.structured_content
        return result.structured_content

    def fail(self, tool: str, **arguments: Any) -> str:
        """The message of an error."""
        result = self._call(tool, arguments)
        assert result.is_error, result.structured_content
        message = result.content[0].text
        assert "Traceback" not in message
        return message

    def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}


@contextmanager
def assistant(
    url: str, folder: Path, token: str = "", *, mode: str = "auto", in_file: bool = False
) -> Iterator[Assistant]:
    """An assistant whose user has a token, in the environment or in a file; it stands in nothing that is heard or logged."""
    arguments = ["-m", "tap", "mcp", "--url", url, "--folder", str(folder)]
    environment = {"PYTHONPATH": str(ROOT)}
    if in_file:
        file = folder / ".token"
        file.touch(0o600)
        file.write_text(f"{token}\n")
        arguments += ["--token-file", str(file)]
    elif token:
        environment["ARMILLARY_TOKEN"] = token
    server = StdioServerParameters(command=sys.executable, args=arguments, env=environment, cwd=folder)
    log = folder / ".log"
    with (
        log.open("w") as errors,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(stdio_client(server, errors), mode=mode)) as client,
    ):
        one = Assistant(portal, client, folder)
        yield one
    logged = log.read_text()
    assert "Traceback" not in logged, logged
    assert not token or token not in logged + "".join(one.heard)
