"""Where the program is, and its process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable


def program() -> str:
    """The path of the program ``dsql``: that of this environment, else the first in PATH.

    >>> import os, dsql
    >>> os.path.basename(dsql.program())
    'dsql'
    """
    own = os.path.join(sysconfig.get_path("scripts"), "dsql")
    if os.path.exists(own):
        return own
    found = shutil.which("dsql")
    if found is None:
        raise FileNotFoundError(f"the program dsql is neither in {os.path.dirname(own)} nor in PATH: pip install dsql")
    return found


def execute(args: Iterable[str], text: str | None, each: Callable[[str], None]) -> tuple[int, str]:
    """Runs the program on text as its standard input; each line of stderr goes to each as it comes. Gives the exit code and stdout.

    An interrupt ends it as Ctrl-C does: after the batch in hand. It has a session of its own, so that it gets one for one.
    """
    env = {"DSQL_PYTHON": sys.executable, **os.environ}
    with subprocess.Popen([program(), *args], stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", env=env, start_new_session=True) as p:
        out: list[str] = []
        helpers = [threading.Thread(target=lambda: out.append(p.stdout.read()))]
        if text is not None:
            helpers.append(threading.Thread(target=_feed, args=(p.stdin, text)))
        for h in helpers:
            h.start()
        try:
            _read(p.stderr, each, lambda: p.send_signal(signal.SIGINT))
        except BaseException:  # what each raised, or a second interrupt: nobody reads on
            p.kill()
            raise
        finally:
            for h in helpers:
                h.join()
        code = p.wait()
    return code, "".join(out)


def _feed(stream, text: str) -> None:
    try:
        with stream:
            stream.write(text)
    except BrokenPipeError:  # it ended before it read its script
        pass


def _read(stream, each: Callable[[str], None], stop: Callable[[], None]) -> None:
    """Reads to the end; the first interrupt only asks the program to stop."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            for line in stream:
                each(line)
            break
        except KeyboardInterrupt as e:
            if interrupt is not None:
                raise
            interrupt = e
            stop()
    if interrupt is not None:
        raise interrupt
