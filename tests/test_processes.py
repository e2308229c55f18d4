import signal

import pytest

from tests.processes import python

SHOW = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True); "


def test_a_process_answers_to_ctrl_c_though_the_tests_do_not():
    """As where a shell has started them in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with python("-c", SHOW + "import time; time.sleep(60)") as process:
            assert process.stdout.readline() == "True\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGINT
        assert "KeyboardInterrupt" in err
    finally:
        signal.signal(signal.SIGINT, before)


def test_nothing_is_left_of_a_process_when_a_test_fails():
    with pytest.raises(ZeroDivisionError), python("-c", SHOW + "import time; time.sleep(60)") as process:
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    assert process.stdout.closed
    assert process.stderr.closed
