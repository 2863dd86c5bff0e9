"""Chromium without a screen, driven through chromedriver's own protocol (W3C WebDriver)."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name of a reference


def missing() -> str:
    """Why there is no browser here; empty where there is one."""
    names = [n for n in ("chromium", "chromedriver") if shutil.which(n) is None]
    return f"no {' and no '.join(names)} (Debian: chromium, chromium-driver)" if names else ""


class Browser:
    """One window."""

    def __init__(self, port: int, profile: str):
        self._base = f"http://127.0.0.1:{port}"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        session = self._call("POST", "/session", {"capabilities": wanted})["sessionId"]
        self._base += f"/session/{session}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, method=method)
        # The machine's proxy has nothing to do with its own ports.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, path: Path) -> None:
        self._call("POST", "/url", {"url": path.as_uri()})

    def run(self, script: str, *args: Any) -> Any:
        """What a piece of JavaScript returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def run_later(self, script: str) -> Any:
        """What a piece of JavaScript passes to `done`, within half a minute."""
        body = {"script": f"const done = arguments[0]; {script}", "args": []}
        return self._call("POST", "/execute/async", body)

    def tab(self) -> None:
        """Presses the tab key."""
        keys = [{"type": kind, "value": "\ue004"} for kind in ("keyDown", "keyUp")]
        self._call(
            "POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": keys}]}
        )

    def find(self, css: str) -> dict[str, str]:
        return self._call("POST", "/element", {"using": "css selector", "value": css})

    def click(self, css: str) -> None:
        self._call("POST", f"/element/{self.find(css)[ELEMENT]}/click", {})

    def press(self, css: str, key: str) -> None:
        """Types a key while an element has the focus."""
        self._call("POST", f"/element/{self.find(css)[ELEMENT]}/value", {"text": key})

    def point(self, css: str) -> None:
        """Moves the pointer to the middle of an element."""
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", css)
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": self.find(css)}
        mouse = {"type": "pointer", "id": "mouse", "actions": [move]}
        self._call("POST", "/actions", {"actions": [mouse]})

    def size(self, width: int, height: int) -> None:
        self._call("POST", "/window/rect", {"width": width, "height": height})

    def scheme(self, name: str) -> None:
        """light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        params = {"features": [feature]}
        body = {"cmd": "Emulation.setEmulatedMedia", "params": params}
        self._call("POST", "/goog/cdp/execute", body)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def close(self) -> None:
        self._call("DELETE", "")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that ends with the block."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromedriver", "--port=0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            try:
                assert driver.stdout is not None
                line = next(x for x in driver.stdout if "started successfully on port" in x)
                window = Browser(int(line.rstrip().rstrip(".").rsplit(" ", 1)[1]), profile)
                try:
                    yield window
                finally:
                    window.close()
            finally:
                driver.terminate()
