import json

import pytest

from recurra.cli import main


@pytest.fixture
def results(capsys):
    """Run a command with --json; gives its results."""

    def run(*words):
        assert main([*words, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["schema"] == "recurra/1"
        assert document["command"] == words[0]
        assert set(document) == {"schema", "command", "results"}
        return document["results"]

    return run
