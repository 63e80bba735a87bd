import os
import signal

import pytest

from recurra.cli.console import Console
from recurra.cli.watch import Watch
from recurra.errors import Interrupted


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_sets_a_flag(number, code, capsys):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with Watch(Console([]), piece="a checkpoint", again="resumes") as watch:
        watch.check()
        os.kill(os.getpid(), number)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # the second leaves at once
        with pytest.raises(Interrupted, match="after a checkpoint: the same command resumes") as caught:
            watch.check()
    assert caught.value.exit_code == code
    assert "stopping after a checkpoint; once more" in capsys.readouterr().err
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
