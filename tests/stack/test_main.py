import os
import signal
import sys
import time

import pytest

from stack import __main__ as main


def test_a_verb_that_is_terminated_stops_what_it_has_started(monkeypatch):
    stopped = []

    def verb(_layout):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            stopped.append(True)

    monkeypatch.setitem(main.COMMANDS, "up", verb)
    monkeypatch.setattr(sys, "argv", ["stack", "up"])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ended.value.code, stopped) == (130, [True])
