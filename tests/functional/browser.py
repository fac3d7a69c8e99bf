"""A real browser, controlled over its DevTools protocol."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from tests.functional.harness import PATIENCE_SECONDS
from tests.processes import dies_with_tests

_CHROMIUM = shutil.which("chromium")

needs_chromium = pytest.mark.skipif(_CHROMIUM is None, reason="needs Debian's package chromium")


class Browser:
    """One tab of a headless Chromium."""

    def __init__(self, profile: Path) -> None:
        command = [
            str(_CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=dies_with_tests,
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._calls = 0
        self._loaded = False
        self.complaints: list[str] = []
        """Messages of the browser's console: errors, and what the page's policy refused."""
        self._loop.run_until_complete(self._connect(self._port(profile / "DevToolsActivePort")))
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self._loop.run_until_complete(self._session.close())
        self._loop.close()
        self._process.terminate()
        self._process.wait(timeout=PATIENCE_SECONDS)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        return self._loop.run_until_complete(
            asyncio.wait_for(self._call(method, parameters), PATIENCE_SECONDS)
        )

    def open(self, url: str, *, scripts: bool = True, width: int = 1280) -> None:
        """Load a page."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self.complaints.clear()
        self._loaded = False
        assert "errorText" not in self.call("Page.navigate", url=url), url
        self._wait_for_load()

    def follow(self, action: str) -> None:
        """Run a script in the page that opens another page, and wait for that page."""
        self._loaded = False
        self.evaluate(action)
        self._wait_for_load()

    def _wait_for_load(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._loaded:
            assert time.monotonic() < deadline, "the page does not load"
            self.call("Runtime.getIsolateId")  # events are read together with answers

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"never came true: {expression}"
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Type into the element that has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        """Save a picture of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def _port(self, file: Path) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (file.exists() and file.read_text().count("\n")):
            assert time.monotonic() < deadline, "Chromium did not start"
            time.sleep(0.05)
        return int(file.read_text().split("\n")[0])

    async def _connect(self, port: int) -> None:
        self._session = ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            tabs = await answer.json()
        tab = next(tab for tab in tabs if tab["type"] == "page")
        self._socket: ClientWebSocketResponse = await self._session.ws_connect(
            tab["webSocketDebuggerUrl"], max_msg_size=0
        )

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive()
            assert message.type is WSMsgType.TEXT, message
            data = json.loads(message.data)
            if data.get("id") == self._calls:
                assert "error" not in data, data
                result: dict[str, Any] = data["result"]
                return result
            self._note(data)

    def _note(self, event: dict[str, Any]) -> None:
        if event["method"] == "Log.entryAdded":
            self.complaints.append(event["params"]["entry"]["text"])
        elif event["method"] == "Page.loadEventFired":
            self._loaded = True
        elif event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(event["params"]["exceptionDetails"]["text"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that the tests of a module share."""
    running = Browser(tmp_path_factory.mktemp("chromium"))
    yield running
    running.close()
