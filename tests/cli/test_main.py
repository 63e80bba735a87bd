import json
import os
import subprocess
import sys

import pytest

import recurra
from recurra.cli import main
from recurra.errors import DataError

COMMANDS = [
    "demo",
    "simulate",
    "fit",
    "forecast",
    "score",
    "report",
    "example",
    "systems",
    "datasets",
    "learners",
    "bench",
    "doctor",
]


def run(*words, **options):
    return subprocess.run([sys.executable, "-m", "recurra.cli", *words], capture_output=True, text=True, **options)


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["fti"], ["--version"]])
def test_help_and_usage_import_nothing_heavy(words):
    code = (
        "import sys; from recurra.cli import main; main(sys.argv[1:]);"
        "heavy = {'numpy', 'scipy', 'jax', 'matplotlib', 'tqdm'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_common_options(command, capsys):
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("--json", "--seed", "--out", "--config", "--set", "--quiet"):
        assert option in shown


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"recurra {recurra.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fti", "x.csv"], "did you mean 'fit'"),
        (["frobnicate"], "known: bench, compare, data, datasets, demo"),
        ([], "COMMAND"),
        (["fit", "--sed", "1"], "--sed"),
        (["fit", "x.csv", "--seed", "one"], "one"),
        (["systems", "--set", "a=1"], "`systems` has no settings, got a"),
    ],
)
def test_usage_errors(words, message, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("recurra: error: ")
    assert message in shown.err


def test_an_error_as_json_is_one_object(capsys):
    assert main(["fti", "--json"]) == 2
    shown = capsys.readouterr()
    error = json.loads(shown.out)
    assert (error["schema"], error["command"]) == ("recurra/1", "fti")
    assert (error["error"]["code"], error["error"]["kind"]) == (2, "ConfigError")
    assert "did you mean 'fit'" in error["error"]["message"]
    assert error["error"]["message"] in shown.err


def test_a_bug_is_an_apology_with_a_traceback_in_a_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(*_):
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("recurra.cli.catalogues.no_settings", fail)
    assert main(["systems", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["kind"] == "ZeroDivisionError"
    assert shown.err.count("\n") == 1
    (log,) = tmp_path.iterdir()
    assert str(log) in shown.err
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(("error", "code"), [(DataError("bad"), 3), (KeyboardInterrupt(), 130)])
def test_exit_codes_of_errors(error, code, capsys, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr("recurra.cli.catalogues.no_settings", fail)
    assert main(["systems"]) == code
    assert capsys.readouterr().err.startswith("recurra: error: ")


def test_the_process_returns_the_code():
    done = run("fti")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("recurra: error: unknown command 'fti'")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_broken_pipe_is_quiet(unbuffered):
    words = [sys.executable, "-m", "recurra.cli", "simulate", "noisy-sine", "--steps", "200000"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, env=environment, **pipes) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
