"""The architecture, read from the source: layers, sizes, depth of inheritance, and what may be imported where."""

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import recurra

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "recurra"

# Imports point down; sideways, without a cycle. Late imports count, those for type checkers alone do not.
LAYERS = (
    {"errors", "_types", "compilation", "series", "threads", "times"},
    {"systems", "data", "cells", "metrics", "native"},
    {"models", "tasks", "baselines"},
    {"reservoirs", "training", "forecasting", "diagnostics", "storage"},
    {"estimators", "experiment"},
    {"report", "sweeps", "examples", "suites"},
    {"cli"},
)
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}

FILE_LINES, FUNCTION_LINES, CLASS_DEPTH = 400, 50, 2
# What is larger or deeper, with the reason. An entry that is no longer needed fails.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
DEEP_CLASSES: dict[str, str] = {
    "recurra.errors.NotFittedError": "an error is caught by its kind: kinds are deeper than two",
    "recurra.errors.MissingExtraError": "an error is caught by its kind: kinds are deeper than two",
    "recurra.estimators.finite_memory.FiniteMemory": "the trained networks share their parameters and their fit",
    "recurra.estimators.ffnn.FFNN": "the trained networks share their parameters and their fit",
    "recurra.estimators.cnn.CNN": "the trained networks share their parameters and their fit",
    "recurra.estimators.rnn.RNN": "the three trained networks share their parameters and their fit",
    "recurra.estimators.gru.GRU": "the three trained networks share their parameters and their fit",
    "recurra.estimators.lstm.LSTM": "the three trained networks share their parameters and their fit",
    "recurra.estimators.network.Network": "the trained networks share their parameters and their fit",
    "recurra.estimators.baselines.Persistence": "the baselines share how they are kept",
    "recurra.estimators.baselines.Climatology": "the baselines share how they are kept",
    "recurra.estimators.baselines.Seasonal": "the baselines share how they are kept",
    "recurra.estimators.baselines.Harmonic": "the baselines share how they are kept",
    "recurra.estimators.baselines.Nearest": "the baselines share how they are kept",
    "recurra.estimators.baselines.Linear": "the baselines share how they are kept",
}

ONLY_IN = {  # package -> where it may be imported
    "matplotlib": ("recurra.report",),
    "pandas": ("recurra.data", "recurra.series"),
    "pyarrow": ("recurra.data", "recurra.series"),
    "xarray": ("recurra.data", "recurra.series"),
    "dask": ("recurra.sweeps",),
    "distributed": ("recurra.sweeps",),
    "optuna": ("recurra.estimators.search",),
}
NOWHERE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "torch", "keras", "tensorflow", "random"}
DIFFERENTIABLE = {"jax", "equinox", "optax", "diffrax", "lineax"}
WITHOUT_JAX = (
    *("errors", "_types", "series", "threads", "times"),
    *("data", "metrics", "baselines", "reservoirs", "storage"),
)
SEEDED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
SOURCES = [*MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute; what stands before the first point may be anything."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def running(node: ast.AST):
    """Every node that is not below `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if for_type_checkers(child):
            continue
        yield child
        yield from running(child)


def resolve(name: str) -> str:
    """The longest part of a dotted name that is a module of recurra, or the home of a name of its front page."""
    head, *rest = name.split(".")
    assert head == "recurra"
    if rest and f"recurra.{rest[0]}" not in MODULES and rest[0] in recurra.__all__:
        return recurra._HOME.get(rest[0]) or recurra._INSIDE[rest[0]]
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


@cache
def imports(module: str) -> set[str]:
    """Full names of everything that a module imports, early or late."""
    found = set()
    for node in running(tree(MODULES[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} line {node.lineno}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and dotted(node.func).endswith("import_module"):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def inside(name: str, home: str) -> bool:
    return name == home or name.startswith(f"{home}.")


def edges() -> dict[str, set[str]]:
    own = {m: {resolve(name) for name in imports(m) if inside(name, "recurra")} for m in MODULES}
    return {m: targets - {m, "recurra"} for m, targets in own.items() if m != "recurra"}


def layer(module: str) -> int:
    part = module.split(".")[1]
    assert part in LAYER, f"{module}: `{part}` has no layer; give it one at the top of {Path(__file__).name}"
    return LAYER[part]


def test_every_module_has_a_layer():
    assert min(layer(module) for module in MODULES if module != "recurra") == 0


def test_imports_point_down():
    upward = [f"{m} -> {t}" for m, targets in edges().items() for t in targets if layer(t) > layer(m)]
    assert not upward


def test_no_import_cycle():
    graph, done, path = edges(), set(), []

    def visit(module: str) -> None:
        if module in done:
            return
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        path.append(module)
        for target in sorted(graph[module]):
            visit(target)
        done.add(path.pop())

    for module in graph:
        visit(module)


def excess(found: dict[str, int], allowed: dict[str, str], most: int) -> list[str]:
    """What is over its budget, and exceptions that nothing needs."""
    over = [f"{name}: {size}, at most {most}" for name, size in found.items() if size > most and name not in allowed]
    return over + [f"{name} is no exception any more" for name in allowed if found.get(name, 0) <= most]


def test_size_of_files():
    sizes = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    assert not excess(sizes, LONG_FILES, FILE_LINES)


def test_size_of_functions():
    sizes = {}
    for path in SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) else 0
                lines = node.end_lineno - node.lineno + 1 - docstring
                name = f"{path.relative_to(ROOT)}::{node.name}"
                sizes[name] = max(lines, sizes.get(name, 0))
    assert not excess(sizes, LONG_FUNCTIONS, FUNCTION_LINES)


def bases() -> dict[str, list[str]]:
    """Full name of each class -> full names of its bases, as far as they are recurra's."""
    found = {}
    for module, path in MODULES.items():
        known = {name.rpartition(".")[2]: name for name in imports(module) if inside(name, "recurra")}
        classes = [node for node in nodes(path) if isinstance(node, ast.ClassDef)]
        known |= {node.name: f"{module}.{node.name}" for node in classes}
        for node in classes:
            names = [ast.unparse(base).partition("[")[0] for base in node.bases]
            full = [known.get(name.partition(".")[0], "") + name[len(name.partition(".")[0]) :] for name in names]
            found[f"{module}.{node.name}"] = [name for name in full if inside(name, "recurra")]
    return found


def test_depth_of_inheritance():
    parents = bases()
    by_name = {name.rpartition(".")[2]: name for name in parents}

    def depth(name: str) -> int:
        name = name if name in parents else by_name.get(name.rpartition(".")[2], name)  # taken from a package
        return 1 + max(map(depth, parents.get(name, [])), default=0)

    assert not excess({name: depth(name) for name in parents}, DEEP_CLASSES, CLASS_DEPTH)


def test_packages_stay_where_they_belong():
    wrong = []
    for module in MODULES:
        for name in imports(module):
            package = name.partition(".")[0]
            homes = ONLY_IN.get(package)
            if package in NOWHERE or (homes and not any(inside(module, home) for home in homes)):
                wrong.append(f"{module} imports {name}")
            if package in DIFFERENTIABLE and any(inside(module, f"recurra.{part}") for part in WITHOUT_JAX):
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_whatever_loads_jax_keeps_its_programs():
    """Early imports lead from every module that loads JAX to one of the two places that switch the cache on."""
    switches = {"recurra.cells", "recurra.systems"}
    assert all(tree(MODULES[name]).body[-1].value.func.id == "keep_programs" for name in switches)

    def early(module: str) -> set[str]:
        found = {module.rpartition(".")[0]} - {"", "recurra"}  # the package itself
        for node in tree(MODULES[module]).body:
            if isinstance(node, ast.ImportFrom):
                found |= {
                    resolve(f"{node.module}.{each.name}") for each in node.names if inside(node.module, "recurra")
                }
        return found - {"recurra"}

    def reached(module: str, seen: set[str]) -> set[str]:
        if module not in seen:
            seen.add(module)
            for target in early(module):
                reached(target, seen)
        return seen

    loads = {m for m in MODULES if any(name.partition(".")[0] in DIFFERENTIABLE for name in imports(m))}
    # these compile nothing: they switch it on, look at it, or are loaded by a cell that runs
    loads -= {"recurra.compilation", "recurra.experiment.health", "recurra.cli.failures", "recurra.native.xla"}
    assert len(loads) > 50
    assert not [module for module in loads if not switches & reached(module, set())]


def test_nothing_runs_code_from_data_and_no_global_random_numbers():
    wrong = []
    for module, path in MODULES.items():
        called = {id(node.func) for node in nodes(path) if isinstance(node, ast.Call) and node.args}
        for node in nodes(path):
            text = None
            if isinstance(node, ast.Call) and dotted(node.func) in ("eval", "exec", "compile", "__import__"):
                text = dotted(node.func)
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                text = None if ast.unparse(node.value) == "False" else "allow_pickle"
            elif isinstance(node, ast.Attribute) and dotted(node.value) in ("np.random", "numpy.random"):
                legacy = node.attr == "RandomState" and id(node) in called  # with the seed of a published protocol
                text = None if legacy or node.attr in SEEDED else f"np.random.{node.attr}"
            if text:
                wrong.append(f"{module} line {node.lineno}: {text}")
        drawn = {name for name in imports(module) if inside(name, "numpy.random")}
        wrong += [f"{module}: {name}" for name in drawn if name.rpartition(".")[2] not in SEEDED]
    assert not wrong


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="needs the repository")
def test_no_path_of_one_machine():
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, check=True).stdout.decode().split("\0")
    machine = re.compile(rb"(?<![\w.)}>*])/(?:home|work|root|Users)/[\w.]")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    found = {str(f.relative_to(ROOT)): m.group().decode() for f in files if (m := machine.search(f.read_bytes()))}
    assert not found


def loaded_by(statements: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter has loaded after these statements."""
    code = f"{statements}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_recurra_is_light():
    assert not loaded_by("import recurra") & {"jax", "numpy", "pandas", "scipy", "matplotlib"}


def test_reading_and_scoring_data_needs_no_jax():
    assert "jax" not in loaded_by("import recurra, recurra.series, recurra.data, recurra.metrics")


@pytest.mark.skipif("recurra.estimators" not in MODULES, reason="no estimators yet")
def test_an_echo_state_network_needs_no_jax():
    loaded = loaded_by(
        "import numpy as np, recurra\n"
        "model = recurra.ESN(units=30, ridge=1e-6, seed=0).fit(np.sin(0.1 * np.arange(400)))\n"
        "assert len(model.forecast(5)) == 5"
    )
    assert "numpy" in loaded
    assert "jax" not in loaded
