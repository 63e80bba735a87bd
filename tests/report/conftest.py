"""A run directory written by hand, and a browser that says what a page shows, asks for and complains of."""

import base64
import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from recurra.experiment.run_files import write_data
from recurra.series import Series

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip
# Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
_LAUNCH = """
import fcntl, os, sys
r, w = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass
class Page:
    """An opened page: `problems` are its console errors and the requests other than for itself."""

    browser: "Browser"
    session: str
    problems: list[str] = field(default_factory=list)

    def ask(self, expression: str):
        """The value of a JavaScript expression in the page."""
        options = {"expression": expression, "returnByValue": True}
        answer = self.browser.call("Runtime.evaluate", options, self.session)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> Path:
        """The whole page as a PNG file."""
        options = {"captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.browser.call("Page.captureScreenshot", options, self.session)["data"]))
        return path


class Browser:
    """Headless Chromium over its debugging pipe."""

    def __init__(self, profile: Path):
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        launch = [sys.executable, "-c", _LAUNCH, str(read_commands), str(write_answers), str(CHROMIUM)]
        self._process = subprocess.Popen(
            [*launch, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_commands, write_answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._stream = os.fdopen(self._answers, "rb")
        self._numbers = itertools.count(1)
        self._events: list[dict] = []

    def call(self, method: str, options: dict | None = None, session: str | None = None) -> dict:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": options or {}}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def open(self, path: Path, width: int = 1200, dark: bool = False) -> Page:
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
        self.call("Emulation.setDeviceMetricsOverride", size, session)
        self.call("Emulation.setEmulatedMedia", scheme, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable", session=session)
        self.call("Network.setCacheDisabled", {"cacheDisabled": True}, session)
        self._events.clear()
        page = Page(self, session)
        url = path.as_uri()
        self.call("Page.navigate", {"url": url}, session)
        seen: list[dict] = []
        while not any(each.get("method") == "Page.loadEventFired" for each in seen):
            seen.append(self._events.pop(0) if self._events else self._next())
        # Two painted frames later, whatever the page asked for has been asked for.
        frames = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))"
        settle = f"new Promise(done => {frames})"
        self.call("Runtime.evaluate", {"expression": settle, "awaitPromise": True}, session)
        seen += self._events
        page.problems = [text for each in seen if each.get("sessionId") == session and (text := _problem(each, url))]
        self._events.clear()
        return page

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._stream.close()
        os.close(self._commands)

    def _next(self) -> dict:
        raw = bytearray()
        while (byte := self._stream.read(1)) != b"\0":
            assert byte, "the browser has closed its pipe"
            raw += byte
        return json.loads(raw)


def _problem(event: dict, url: str) -> str | None:
    method, options = event.get("method"), event.get("params", {})
    if method == "Network.requestWillBeSent":
        asked = options["request"]["url"]
        return None if asked == url or asked.startswith("data:") else f"request: {asked}"
    if method == "Log.entryAdded" and options["entry"]["level"] in ("error", "warning"):
        return f"{options['entry']['level']}: {options['entry']['text']}"
    if method == "Runtime.consoleAPICalled" and options["type"] in ("error", "warning", "assert"):
        return f"console.{options['type']}: {options['args']}"
    if method == "Runtime.exceptionThrown":
        return f"exception: {options['exceptionDetails']['text']}"
    return None


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("needs the program `chromium` to look at the page as a reader does")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def lorenz(rows: int, start, dt: float = 0.02) -> np.ndarray:
    """Lorenz 1963 by the classical Runge-Kutta method, written out."""

    def slope(s):
        x, y, z = s
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    state, found = np.array(start, dtype=float), []
    for _ in range(rows):
        found.append(state)
        a = slope(state)
        b = slope(state + dt / 2 * a)
        c = slope(state + dt / 2 * b)
        state = state + dt / 6 * (a + 2 * b + 2 * c + slope(state + dt * c))
    return np.array(found)


@pytest.fixture(scope="session")
def example():
    """Lorenz data, a forecast that is off by 1e-3 in its first row, and three baselines."""
    table, dt = lorenz(1400, (-5.0, -6.0, 22.0)), 0.02
    channels, units = ["x", "y", "z"], ["m", "m", "m"]
    options = {"dt": dt, "channels": channels, "units": units, "provenance": {"time_unit": "s"}}
    whole = Series(table, **options)
    train, test = whole.split(900)
    off = lorenz(500, test.values[0] + 1e-3)
    ramp = np.arange(1, 501)[:, None]
    made = {
        "esn": off,
        "persistence": np.repeat(train.values[-1:], 500, axis=0),
        "climatology": np.repeat(train.values.mean(axis=0)[None], 500, axis=0),
        "linear": train.values[-1] * np.exp(-ramp / 60) * np.cos(ramp / 12),
    }
    forecasts = {name: Series(values, times=test.times, **options) for name, values in made.items()}
    return train, test, forecasts


HISTORY = [
    {"epoch": i, "loss": 0.9 * 0.96**i + 0.004, "validation": 0.8 * 0.965**i + 0.02 + 2e-5 * i**1.6}
    for i in range(1, 151)
]


def write_run(path: Path, train: Series, test: Series, forecasts: dict, learner: str = "esn") -> Path:
    """The files of a run directory as the command line writes them."""
    path.mkdir()
    values, times = np.concatenate([train.values, test.values]), np.concatenate([train.times, test.times])
    whole = Series(values, times=times, dt=train.dt, channels=train.channels, units=train.units)
    (path / "config.toml").write_text(
        f'learner = "{learner}"\nseed = 0\n\n[data]\nsource = "system:lorenz63"\n\n[parameters]\nunits = 500\n'
    )
    write_data(path / "data.npz", whole)
    names = list(forecasts)
    with (path / "forecast.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        heads = [f"{name}:{c}" for name in names[1:] for c in train.channels]
        out.writerow(["time", *train.channels, *heads])
        for row in range(len(test)):
            values = [repr(float(x)) for name in names for x in forecasts[name].values[row]]
            out.writerow([test.times[row], *values])
    scores = {
        "esn": {"rmse": 6.4321, "nrmse": 0.8123, "mae": 4.1, "smape": 61.25, "r2": 0.34, "valid_time": 6.46},
        "persistence": {"rmse": 9.81, "nrmse": 1.21, "mae": 7.7, "smape": 98.0, "r2": -0.5, "valid_time": 0.1},
        "linear": {"rmse": 8.5, "nrmse": 1.0571, "mae": 7.0, "smape": 90.0, "r2": -0.1, "valid_time": 0.24},
    }
    closed = {**scores["esn"], "threshold": 0.4, "baselines": {n: scores[n] for n in ("persistence", "linear")}}
    step = {"rmse": 1.2e-4, "nrmse": 1.5e-5, "mae": 9e-5, "smape": 0.01, "r2": 0.99999999, "valid_time": 10.0}
    naive = {**step, "rmse": 0.41, "nrmse": 0.05, "mae": 0.3, "smape": 4.2, "r2": 0.9973, "valid_time": 9.5}
    results = {
        "learner": learner, "data": "system:lorenz63", "rows": {"train": len(train), "gap": 0, "test": len(test)},
        "score": {"closed_loop": closed, "one_step": {**step, "baselines": {"persistence": naive, "linear": naive}}},
        "forecast": {"before": [0, len(train)], "rows": [len(train), len(whole)]},
        "training_std": train.values.std(axis=0).tolist(),
        "lyapunov_exponent": 0.9056, "truth": None, "time_unit": "s",
        "data_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }  # fmt: skip
    command = ["recurra", *f"fit system:lorenz63 --learner {learner} --set units=500 --out".split(), "runs/a b"]
    document = {"complete": True, "command": command, "results": results}
    (path / "metrics.json").write_text(json.dumps(document))
    (path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in HISTORY))
    (path / "env.json").write_text(json.dumps({"python": "3.11.9", "versions": {"numpy": "2.4.6", "recurra": "0.1.0"}}))
    return path


@pytest.fixture
def write():
    """`write(path, train, test, forecasts)` makes a run directory."""
    return write_run


@pytest.fixture
def run_dir(tmp_path, example):
    return write_run(tmp_path / "run", *example)


@pytest.fixture
def epochs():
    return HISTORY


class Drawing:
    """A figure read back from its SVG: what is drawn where, by its own tick labels."""

    def __init__(self, svg: str):
        self.root = ET.fromstring(svg)
        for element in self.root.iter():
            element.tag = element.tag.rpartition("}")[2]
        self.texts = [each.text for each in self.root.iter("text")]
        self.ids = [found for each in self.root.iter() if (found := each.get("id"))]
        self.words = "".join(each.text for each in self.root if each.tag == "desc")

    def ticks(self) -> tuple[np.ndarray, np.ndarray]:
        """((position, value), ...) of the horizontal and vertical tick labels, all panels, in order."""
        across, up = [], []
        for group in self.root.iter("g"):
            text = [each for child in group if child.tag == "g" for each in child if each.tag == "text"]
            if len(text) != 1 or (value := label_value(text[0].text)) is None:
                continue
            rules = [each for child in group if child.tag == "g" for each in child if each.tag == "path"]
            marks = [each for child in group if child.tag == "g" for each in child.iter("use")]
            if rules:
                up.append((coordinates(rules[0].get("d"))[0, 1], value))
            elif marks:
                across.append((float(marks[0].get("x")), value))
        return np.array(across), np.array(up)

    def group(self, name: str) -> ET.Element:
        """The one element whose id ends so."""
        found = [each for each in self.root.iter("g") if each.get("id", "").endswith(f"-{name}")]
        assert len(found) == 1, name
        return found[0]

    def line(self, name: str) -> np.ndarray:
        """The points of a line."""
        return coordinates(self.group(name).find("path").get("d"))

    def marks(self, name: str) -> np.ndarray:
        """The places of markers."""
        return np.array([(float(use.get("x")), float(use.get("y"))) for use in self.group(name).iter("use")])

    @staticmethod
    def to_data(at: np.ndarray, marks: np.ndarray) -> np.ndarray:
        """Positions on an axis as values, by its ticks."""
        slope, offset = np.polyfit(marks[:, 0], marks[:, 1], 1)
        return slope * at + offset


def coordinates(path: str) -> np.ndarray:
    """The points of an SVG path."""
    return np.array([float(x) for x in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)


def label_value(label: str) -> float | None:
    """A tick label as a number, −2×10⁻³, 10⁻³ or 0.5; None where it is none."""
    if found := re.fullmatch(r"(?:(−?[\d.]+)×)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", label):
        power = int(found[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        return float((found[1] or "1").replace("−", "-")) * 10.0**power
    return float(label.replace("−", "-")) if re.fullmatch(r"−?[\d.]+", label) else None


@pytest.fixture(scope="session")
def read():
    """`read(svg)` is a `Drawing`."""
    return Drawing
