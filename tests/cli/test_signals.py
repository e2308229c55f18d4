"""A first signal ends a run at the next safe place, a second one at once, wherever the first fell."""

import json
import signal
import sys
import time
from types import SimpleNamespace

import pytest

import slth
from slth.cli import endings
from tests.processes import python

PLACES = {
    "__del__": """
class Falls:
    def __del__(self):
        wait()
def fall():
    Falls()
""",
    "a callback of a weak reference": """
import weakref
class Thing: pass
def fall():
    thing = Thing()
    falls = weakref.ref(thing, lambda _: wait())
    del thing
""",
    "a callback of compiled code": """
import ctypes
@ctypes.CFUNCTYPE(ctypes.c_int)
def back():
    wait()
    return 0
def fall():
    back()
""",
    "code that takes every exception": """
def fall():
    try:
        wait()
    except BaseException:
        pass
""",
    "where nothing is in the way": "fall = lambda: wait()",
}

PROGRAM = """
import sys, time
import slth.grids.environment as environment
from slth.cli import endings, main
from slth.cli.options import Common
from slth.cli.progress import progress
endings.PATIENCE = {patience}

def wait(seconds={seconds}):
    print("fallen", file=sys.stderr, flush=True)
    time.sleep(seconds)
{place}
def work():
    fall()
    with progress(Common()) as report:
        for done in range(600):
            time.sleep(0.05)
            if {safe}:
                report("work", done, 600)
    return dict()

environment.describe_environment = work
sys.exit(main(["env"]))
"""


def sent(numbers, *, place, safe, seconds=0.4, patience=0.2):
    program = PROGRAM.format(place=PLACES[place], safe=safe, seconds=seconds, patience=patience)
    with python("-c", program) as running:
        assert running.stderr.readline() == "fallen\n"
        begin = time.monotonic()
        for number in numbers:
            running.send_signal(number)
            time.sleep(0.3 * (len(numbers) > 1))
        _, err = running.communicate(timeout=30)
    return running.returncode, err, time.monotonic() - begin


@pytest.mark.parametrize(
    ("place", "number", "code"),
    [
        ("__del__", signal.SIGTERM, 143),
        ("a callback of a weak reference", signal.SIGINT, 130),
        ("a callback of compiled code", signal.SIGTERM, 143),
        ("where nothing is in the way", signal.SIGINT, 130),
    ],
)
def test_one_signal_is_enough_wherever_it_falls(place, number, code):
    ended, err, seconds = sent([number], place=place, safe=False)
    assert ended == code
    assert err in ("slth: terminated\n", "slth: interrupted\n")
    assert seconds < 15.0  # the work goes on for 30


@pytest.mark.parametrize("place", ["__del__", "code that takes every exception"])
def test_the_next_report_is_a_safe_place(place):
    """Nothing is raised before it, not even where that would be lost."""
    ended, err, _ = sent([signal.SIGTERM], place=place, safe=True, patience=60.0)
    assert (ended, err) == (143, "slth: terminated\n")


@pytest.mark.parametrize(
    ("place", "number", "code"),
    [("__del__", signal.SIGTERM, 143), ("code that takes every exception", signal.SIGINT, 130)],
)
def test_a_second_signal_ends_at_once(place, number, code):
    ended, err, seconds = sent([signal.SIGTERM, number], place=place, safe=False, seconds=60.0, patience=60.0)
    assert (ended, err) == (code, "")
    assert seconds < 15.0


def test_an_alarm_while_a_lost_exception_is_looked_at_waits_for_the_next(monkeypatch):
    ending = endings._Ending()
    ending.number = signal.SIGINT
    with pytest.raises(KeyboardInterrupt) as first:
        ending.look()
    monkeypatch.setattr(ending, "_insist_in", lambda *_: ending.insist(0, sys._getframe()))
    ending.swallowed(SimpleNamespace(exc_value=first.value))
    with pytest.raises(KeyboardInterrupt):
        ending.insist(0, None)


IMPORTING = """
import sys, time

class Slow:
    def find_spec(self, name, *_):
        if name == "{name}":
            print("importing", file=sys.stderr, flush=True)
            time.sleep(60.0)

sys.meta_path.insert(0, Slow())
from slth.cli import main
sys.exit(main(["env", "--json"]))
"""


@pytest.mark.parametrize(
    ("name", "number", "code", "word"),
    [
        ("slth.cli.endings", signal.SIGINT, 130, "interrupted"),  # nobody takes note of signals yet
        ("slth.cli.entry", signal.SIGINT, 130, "interrupted"),
        ("slth.cli.entry", signal.SIGTERM, 143, "terminated"),
        ("cyclopts", signal.SIGINT, 130, "interrupted"),
    ],
)
def test_signals_while_the_command_line_is_imported(name, number, code, word):
    with python("-c", IMPORTING.format(name=name)) as running:
        assert running.stderr.readline() == "importing\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (code, f"slth: {word}\n")
    assert json.loads(out) == {"error": word, "kind": word.capitalize(), "exit_code": code}


LEAVING = """
import atexit, signal, sys, time

def first():
    print("leaving", file=sys.stderr, flush=True)
    time.sleep({seconds})

def last():
    print(*(signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGINT, signal.SIGTERM)))

atexit.register(last)
from slth.cli import endings, main
atexit.register(first)
sys.argv = ["slth", "--version"]
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_behind_a_result_does_not_change_the_exit_code(number):
    with python("-c", LEAVING.format(seconds=60.0)) as running:
        assert running.stderr.readline() == "leaving\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (0, f"{slth.__version__}\n", "")


def test_where_python_has_taken_its_handlers_away_signals_are_ignored():
    with python("-c", LEAVING.format(seconds=0.0)) as running:
        out, _ = running.communicate(timeout=30)
    assert (running.returncode, out) == (0, f"{slth.__version__}\nTrue True\n")
