import os
import signal
import threading

import pytest

from recurra.cli.console import Console
from recurra.cli.watch import Stop, Watch, terminable
from recurra.errors import Interrupted

BOTH = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def handlers():
    return [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


@BOTH
@pytest.mark.bad_input(49)
def test_in_a_training_the_first_signal_sets_a_flag(number, code, capsys):
    before = handlers()

    def train(watch):
        with watch.gently():
            watch.check()
            os.kill(os.getpid(), number)
            assert handlers() == [signal.SIG_DFL, signal.SIG_DFL]  # the second leaves at once
            with pytest.raises(Interrupted):
                watch.check()

    with Watch(Console([]), piece="a checkpoint", again="resumes") as watch:
        with pytest.raises(Interrupted, match="after a checkpoint: the same command resumes") as caught:
            train(watch)
        with pytest.raises(Interrupted):
            watch.check()
    assert caught.value.exit_code == code
    assert "stopping after a checkpoint; once more" in capsys.readouterr().err
    assert handlers() == before


@BOTH
@pytest.mark.bad_input(50)
def test_elsewhere_the_first_signal_stops_at_once(number, code):
    before = handlers()
    with (
        pytest.raises(Stop, match=r"stopped by SIG.*: the same command resumes") as caught,
        Watch(Console([]), piece="a checkpoint", again="resumes"),
    ):
        os.kill(os.getpid(), number)
    assert 128 + caught.value.number == code
    assert handlers() == before


def test_a_signal_that_nothing_looked_at_in_a_training_is_seen_at_its_end():
    with Watch(Console(["--quiet"]), piece="a checkpoint", again="resumes") as watch:
        with pytest.raises(Interrupted), watch.gently():
            os.kill(os.getpid(), signal.SIGTERM)
        assert watch.received == signal.SIGTERM


def test_an_error_in_a_training_is_not_hidden_by_a_signal():
    def train(watch):
        with watch.gently():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ZeroDivisionError

    with Watch(Console(["--quiet"]), piece="a checkpoint", again="resumes") as watch, pytest.raises(ZeroDivisionError):
        train(watch)


def test_sigterm_without_a_run():
    before = handlers()
    with pytest.raises(Stop, match="SIGTERM") as caught, terminable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
    assert handlers() == before


def test_a_thread_that_cannot_receive_signals_works_without():
    found = []

    def work():
        with terminable(), Watch(Console([]), piece="this part", again="resumes") as watch, watch.gently():
            found.append(watch.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None]
