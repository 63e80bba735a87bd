"""`python -m recurra.sweeps.child TASK ANSWER`: one task in a process of its own."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType

from recurra.errors import Interrupted
from recurra.storage import write_atomic
from recurra.sweeps.task import Task, attempt


def main(task_file: str, answer_file: str) -> int:
    """Do the task in a file and write its outcome to another; a first signal waits for the next pause."""
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        del frame
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    def pause() -> None:
        if received:
            raise Interrupted(f"stopped by {signal.Signals(received[0]).name}", signal_number=received[0])

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, receive)
    task = Task.from_json(Path(task_file).read_text(encoding="utf-8"))
    try:
        outcome = attempt(task, pause)
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        return stopped.exit_code
    write_atomic(answer_file, json.dumps(outcome.as_dict()).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
