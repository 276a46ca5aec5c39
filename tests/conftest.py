"""Claims and observations made up for a test: what the judge reads, with no network behind it; and small real ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from pydantic import TypeAdapter

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Observation, PerturbationSetting, ProblemSetting, Status, TrainingSetting, Trial
from rnnconv_cli.spec.claim import Arm, Check, Exhibit, Prediction, Problem, Profile, Sweep, Training
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim, loads
from rnnconv_cli.spec.template import claim_text
from rnnconv_cli.sweep.progress import Forecast
from rnnconv_cli.sweep.serial import key_of

Rows = Sequence[Sequence[float | Status]]  # [replicate][point]
PREDICTION: TypeAdapter[Prediction] = TypeAdapter(Prediction)
MAX_STEPS = 5000
DaskStart = Callable[..., subprocess.Popen[bytes]]
HANG = 120.0  # seconds; only a hang takes as long

# The same examples in every run, and no verdict from a busy machine's clock.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell ignores Ctrl-C for what it starts in the background, and whatever that starts would ignore it as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(autouse=True)
def _store_of_its_own(_stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another has measured, in this process or in one that it starts."""
    monkeypatch.setenv("RNNCONV_STORE", str(_stores / f"{uuid.uuid4()}.sqlite"))


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Builders of what a run would have measured and of the check it belongs to."""

    def arm(self, parameter: str | None = "width", *, quantity: str = "made-up", **prediction: Any) -> Arm:
        """An arm with this prediction: kind and its keys."""
        return Arm(**self._sections(parameter, quantity, prediction))

    def check(
        self,
        arm: Arm,
        *,
        control: Arm | None = None,
        control_expected: str = "outside",
        expected: str = "within",
        beside: Sequence[str] = (),
    ) -> LoadedCheck:
        """A check around an arm; without a control of its own, the same arm is the control."""
        exhibits = tuple(Exhibit(id=name, description=f"{name} beside", change={}) for name in beside)
        sections = {name: getattr(arm, name) for name in Arm.model_fields}
        check = Check.model_validate(
            {
                **sections,
                "id": "made-up-check",
                "statement": "A statement.",
                "source": {"statement": "(5.1)", "page": "12"},
                "control": {"description": "a change", "change": {}, "expected": control_expected},
                "beside": exhibits,
                "expected": expected,
            }
        )
        return LoadedCheck(check, control or arm, tuple((exhibit, arm) for exhibit in exhibits))

    def claim(self) -> LoadedClaim:
        """A loaded claim with one check."""
        return loads(claim_text("made-up-claim"), "test")

    def observations(
        self, points: Sequence[float], rows: Rows, *, arm: str = "main", adversary: str | None = None, width: int = 0
    ) -> list[Observation]:
        """One observation for each value; a status stands for a trial without one."""
        found = []
        for point_index, point in enumerate(points):
            problem = _problem(width or max(1, int(point)))
            for replicate, row in enumerate(rows):
                entry = row[point_index]
                perturbation = PerturbationSetting(1.0, adversary, "initial") if adversary else None
                trial = Trial("made-up", problem, TRAINING, perturbation, None, (), (), replicate, 0)
                value, status = (None, entry) if isinstance(entry, Status) else (float(entry), Status.OK)
                if status is Status.ZERO:
                    value = 0.0
                found.append(Observation(arm, float(point), adversary, trial, key_of(trial), value, status))
        return found

    def _sections(self, parameter: str | None, quantity: str, prediction: dict[str, Any]) -> dict[str, Any]:
        profile = Profile(replicates=8)
        return {
            "quantity": quantity,
            "problem": Problem(),
            "training": Training(learning_rate=0.1, max_steps=MAX_STEPS),
            "sweep": Sweep.model_validate({"parameter": parameter, "quick": profile, "full": profile}),
            "prediction": PREDICTION.validate_python({"reason": "made up", **prediction}),
        }


TRAINING = TrainingSetting("gd", 4, 0.1, "absolute", MAX_STEPS, 1e-4, "loss")


def _problem(width: int) -> ProblemSetting:
    return ProblemSetting(
        width, 4, 3, 16, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
    )


@pytest.fixture(scope="session")
def synthetic() -> Synthetic:
    return Synthetic()


# --- networks small enough to be looked at ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def make_setting() -> Callable[..., ProblemSetting]:
    """A problem setting that a test changes where it needs to."""

    def make(**changes: Any) -> ProblemSetting:
        values = {
            "width": 24,
            "horizon": 4,
            "n_sequences": 3,
            "input_dim": 6,
            "output_dim": 2,
            "separation": 0.5,
            "later_tokens": "fresh",
            "labels": "random",
            "copies": 1,
            "copy_labels": "independent",
            "weight_variance": 2.0,
            "output_variance": "1/d",
            "activation": "relu",
            "layers": "shared",
            "dtype": "float64",
        }
        return ProblemSetting(**{**values, **changes})

    return make


# --- claims small enough to be measured -------------------------------------------------------------------------------

Written = Callable[..., LoadedClaim]


@dataclass
class Recorder:
    """A progress display that keeps what it is told."""

    phases: list[tuple[str, float | None]] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    advanced: list[tuple[str, float]] = field(default_factory=list)
    closed: bool = False
    forecasts: list[Forecast] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def planned(self, forecast: Forecast) -> None:
        """Keep what the run is going to take."""
        self.forecasts.append(forecast)

    def warn(self, text: str) -> None:
        """Keep what goes wrong."""
        self.warnings.append(text)

    def phase(self, name: str, total: float | None) -> None:
        """Keep a phase."""
        self.phases.append((name, total))

    def expect(self, seconds: float) -> None:
        """Keep what was not foreseen."""
        self.expected.append(seconds)

    def advance(self, label: str, seconds: float) -> None:
        """Keep a piece of work."""
        self.advanced.append((label, seconds))

    def close(self) -> None:
        """Keep that it is over."""
        self.closed = True


RESIDENT = """
def resident(name):
    text = open("/proc/self/status", encoding="ascii").read()
    return 1024 * int(text.split(name + ":")[1].split()[0])

def growth(act):
    with open("/proc/self/clear_refs", "w", encoding="ascii") as forget_the_peak:
        forget_the_peak.write("5")
    before = resident("VmRSS")
    kept = act()
    return resident("VmHWM") - before
"""


@pytest.fixture(scope="session")
def memory_growth() -> Callable[[str, str], int]:
    def growth(prepare: str, act: str) -> int:
        """Bytes by which the resident peak of a new process grows while it computes an expression."""
        if not os.access("/proc/self/clear_refs", os.W_OK):
            pytest.skip("this system does not tell the peak of a part of a run")
        code = f"{RESIDENT}\n{prepare}\nprint(growth(lambda: {act}))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    return growth


@pytest.fixture(scope="session")
def fit_labels() -> Callable[[Instance, Backend], Instance]:
    def fit(instance: Instance, backend: Backend) -> Instance:
        """The same with the network's outputs as labels, to the last bit of this backend: its residuals are zeros."""
        hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)[1]
        return replace(instance, labels=backend.residuals(instance.B, hidden, np.zeros_like(instance.labels)))

    return fit


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="session")
def written() -> Written:
    """Return the function that writes a claim file around checks, given by their sections, and loads it.

    A `sweep` with neither `quick` nor `full` stands for both profiles; ids, statements and sources are filled in.
    """

    def write(*checks: Mapping[str, Any], claim_id: str = "made-up", origin: str = "made-up.yaml") -> LoadedClaim:
        source = {"statement": "(0.0)"}
        about = {"schema": 1, "id": claim_id, "title": "Made up", "source": source, "statement": "A statement."}
        listed = [
            {"id": f"check-{index}", "statement": "A statement.", "source": source, **check, "sweep": _sweep(check)}
            for index, check in enumerate(checks)
        ]
        return loads(json.dumps({**about, "checks": listed}), origin)

    return write


def _sweep(check: Mapping[str, Any]) -> Mapping[str, Any]:
    sweep = dict(check["sweep"])
    if "quick" in sweep or "full" in sweep:
        return sweep
    profile = {key: sweep.pop(key) for key in ("grid", "widths", "search", "replicates") if key in sweep}
    return {**sweep, "quick": profile, "full": profile}


# --- a scheduler and workers on the loopback interface ----------------------------------------------------------------


@pytest.fixture
def dask_start(tmp_path: Path) -> Iterator[DaskStart]:
    """Start a scheduler or a worker: everything that was started is gone after the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(kind: str, *options: str) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{kind}"
        words = [sys.executable, "-m", module, "--scheduler-file", str(tmp_path / "scheduler.json"), "--no-dashboard"]
        folder = [] if kind == "scheduler" else ["--local-directory", str(tmp_path)]
        begun.append(
            subprocess.Popen(
                [*words, "--host", "127.0.0.1", *folder, *options],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        return begun[-1]

    yield start
    for each in reversed(begun):
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)
        each.wait(HANG)


@pytest.fixture
def dask_scheduler(dask_start: DaskStart) -> subprocess.Popen[bytes]:
    return dask_start("scheduler", "--port", "0")


@pytest.fixture
def dask_address(dask_scheduler: subprocess.Popen[bytes], tmp_path: Path) -> str:
    """The address of a new scheduler."""
    file, end = tmp_path / "scheduler.json", time.monotonic() + HANG
    while not file.exists() or not file.read_text(encoding="utf-8"):
        assert time.monotonic() < end
        time.sleep(0.05)
    return str(json.loads(file.read_text(encoding="utf-8"))["address"])
