import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from importlib import import_module

import pytest

from slth.errors import ArgumentError, EngineError
from slth.grids.context import Context
from slth.grids.engines import Dask, Loky, Serial, Slurm, cluster, local, make_engine, quiet
from slth.grids.engines.base import PINNED
from slth.grids.spec import Experiment, item_seed
from slth.grids.work import Item, work
from tests.grids.toy_studies import REGISTRY
from tests.own_package import STUDY

distributed = pytest.importorskip("distributed")


def items(study, cells, replicates=1, context=None):
    task = f"toy-{study}"
    experiment = Experiment(name="a", task=task, replicates=replicates, grids=(cells,))
    return [
        Item(task, REGISTRY[task].target, cell, replicate, item_seed(0, cell, replicate), context or Context())
        for cell, replicate in experiment.items()
    ]


def computed(engine, work_to_do):
    """What was finished, by key; each item exactly once."""
    found = list(engine.compute(work_to_do))
    by_key = {finished.key: finished for finished in found}
    assert len(by_key) == len(found) == len(work_to_do)
    return by_key


def values(by_key):
    return {key: repr(finished.rows) for key, finished in by_key.items()}


@pytest.mark.slow
def test_every_engine_gives_the_same_bits(tmp_path):
    """The Dask cluster loses a worker in the middle, the processes of loky one too."""
    (tmp_path / "loky").mkdir()
    (tmp_path / "dask").mkdir()
    numbers = items("noisy", {"n": [1, 2, 5]}, replicates=4)
    wanted = values(computed(Serial(), numbers))
    for engine in (Loky(jobs=2), Dask(jobs=2)):
        folder = tmp_path / engine.name
        killers = items("deadly", {"n": [1, 2, 3, 4], "folder": [str(folder)], "times": [1]}, replicates=3)
        found = computed(engine, numbers[:6] + killers + numbers[6:])
        assert len(list(folder.iterdir())) >= 1  # it has happened
        assert not [finished.reason for finished in found.values() if finished.failed]
        assert {key: text for key, text in values(found).items() if key in wanted} == wanted


def test_an_item_that_kills_its_process_fails_alone(tmp_path):
    found = computed(Loky(jobs=1), items("deadly", {"n": [1, 3, 4], "folder": [str(tmp_path)], "times": [100]}))
    assert {key[0]: finished.reason for key, finished in found.items() if finished.failed}.popitem()[1] == (
        "EngineError: its process died, perhaps for want of memory"
    )
    assert sum(finished.failed for finished in found.values()) == 1


@pytest.mark.slow
def test_an_item_that_kills_its_worker_again_and_again_fails_alone_on_dask(tmp_path):
    found = computed(Dask(jobs=1), items("deadly", {"n": [1, 3, 4], "folder": [str(tmp_path)], "times": [100]}))
    (failed,) = [finished for finished in found.values() if finished.failed]
    assert failed.reason == "EngineError: its workers died, perhaps for want of memory"


def test_every_worker_has_one_thread_and_is_a_process_of_its_own():
    (mine,) = computed(Serial(), items("surroundings", {"n": [1]})).values()
    assert (mine.rows[0]["pools"], mine.rows[0]["process"]) == (1, os.getpid())
    for engine in (Loky(jobs=1), Dask(jobs=1)):
        (finished,) = computed(engine, items("surroundings", {"n": [1]})).values()
        (row,) = finished.rows
        assert (row["pools"], row["numba"]) == (1, 1)
        assert row["process"] != os.getpid()


def test_torch_has_as_many_threads_as_the_context_says():
    torch = import_module("torch")
    before = torch.get_num_threads()
    from slth.grids.work import pinned_threads

    with pinned_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_closing_stops_the_rest(tmp_path):
    (tmp_path / "slow").touch()
    calls = tmp_path / "calls"
    calls.mkdir()
    many = items("counted", {"n": list(range(200)), "folder": [str(calls)]})
    for engine in (Serial(), Loky(jobs=2)):
        stream = engine.compute(many)
        next(stream)
        stream.close()
    assert 2 <= len(list(calls.iterdir())) < 50


@pytest.fixture
def interruptible():
    """Also where a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_signals_wait_for_a_cluster_to_be_there():
    """And processes that a thread starts, which was begun meanwhile, do not see Ctrl-C."""
    seen = []

    def start_something():
        with quiet.interrupts_later():
            os.kill(os.getpid(), signal.SIGINT)
            thread = threading.Thread(target=lambda: seen.append(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
            thread.start()
            thread.join()
            seen.append("to the end")

    with pytest.raises(KeyboardInterrupt):
        start_something()
    assert signal.SIGINT in seen[0]
    assert seen[1] == "to the end"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_processes_that_are_starting_do_not_see_ctrl_c_either(monkeypatch):
    """A terminal sends it to them too, and their imports would end in a traceback each."""
    monkeypatch.setattr(local, "work", lambda _: signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    in_hand = {}
    with local._pool(1) as pool:
        local._hand_out(pool, deque(["an item"]), in_hand)
        (future,) = in_hand
        assert future.result(timeout=60)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("list", "returned a list as value"),
        ("replicate", "cannot return a column 'replicate'"),
        ("cell", "returned a column 'kind', which is an entry of the cell"),
        ("half", "successes or trials without the other"),
        ("many", "3 successes in 2 trials"),
        ("nothing", "the study returned a NoneType: return a list of rows"),
        ("one", "the study returned a dict: return a list of rows"),
        ("flat", "returned a row that is a tuple: make each row a dictionary"),
    ],
)
def test_what_a_study_may_not_return(kind, words):
    (item,) = items("odd", {"kind": [kind]})
    finished = work(item)
    assert finished.rows is None
    assert words in finished.reason


def test_what_a_study_may_return():
    plain, nan = (work(item).rows[0] for item in items("odd", {"kind": ["plain", "nan"]}))
    assert repr(plain) == "{'value': 0.5, 'flag': 1}"
    assert repr(nan) == "{'value': nan, 'other': -inf}"


def test_failures_have_one_line():
    finished = work(items("failing", {"n": [2]})[0])
    assert finished.reason == "ZeroDivisionError: no luck"
    missing = Item("t", "tests.grids.nowhere:study", {}, 0, 0, Context())
    assert "cannot be imported (ModuleNotFoundError: No module named 'tests.grids.nowhere')" in work(missing).reason


def test_choice():
    assert make_engine("serial") == Serial()
    assert make_engine("loky", jobs=3) == Loky(jobs=3)
    assert make_engine("dask", address="tcp://a:1") == Dask(address="tcp://a:1")
    assert make_engine("slurm", jobs=3, queue="q") == Slurm(jobs=3, queue="q")
    for options, words in [
        ({"name": "lokky"}, "did you mean 'loky'"),
        ({"name": "loky", "address": "tcp://a:1"}, "add --engine dask"),
        ({"name": "loky", "jobs": 0}, "at least 1"),
        ({"name": "serial", "jobs": 2}, "add --engine loky"),
        ({"name": "loky", "queue": "q"}, "queue='q' is of no use to the engine loky: add --engine slurm"),
        ({"name": "dask", "walltime": "00:10:00"}, "walltime='00:10:00' is of no use"),
        ({"name": "dask", "jobs": 2, "address": "tcp://a:1"}, "leave one of the two out"),
    ]:
        with pytest.raises(ArgumentError, match=words):
            make_engine(**options)


def test_a_cluster_that_is_not_there(tmp_path):
    work_to_do = items("failing", {"n": [1]})
    with pytest.raises(ArgumentError, match="leads to no scheduler"):
        list(Dask(address=str(tmp_path / "nowhere.json")).compute(work_to_do))
    begin = time.monotonic()
    for text, words in (
        ("a = 1", "no scheduler file, JSON with an address"),
        ("[1]", "no scheduler file, JSON with an address"),
        ('{"address": 3}', "its address is 3"),
        ('{"address": "foo://x"}', "unknown address scheme 'foo'"),
    ):
        (tmp_path / "file").write_text(text)
        with pytest.raises(ArgumentError, match=words):
            list(Dask(address=str(tmp_path / "file")).compute(work_to_do))
    for address in ("foo://x", "tcp://", "tcp://a:b"):
        with pytest.raises(ArgumentError, match="leads to no scheduler"):
            list(Dask(address=address).compute(work_to_do))
    assert time.monotonic() - begin < 5.0  # and nothing has been started that would have to be waited for


def test_without_the_extra(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(cluster, "import_module", absent)
    with pytest.raises(EngineError, match=r"needs dask-jobqueue: pip install 'slth\[cluster\]'"):
        Slurm().job_script()
    with pytest.raises(EngineError, match=r"the engine dask needs distributed"):
        list(Dask().compute([]))


def test_the_script_of_a_slurm_job():
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    options = Slurm(jobs=7, queue="fast", account="us", walltime="02:30:00", memory="3GB", directives=("--qos=long",))
    lines = options.job_script().splitlines()
    assert lines[0].startswith("#!")
    for wanted in ("-p fast", "-A us", "-t 02:30:00", "--mem=3G", "--cpus-per-task=1", "-n 1", "--qos=long"):
        assert f"#SBATCH {wanted}" in lines
    for variable in PINNED:
        assert f"export {variable}=1" in lines
    command = lines[-1]
    assert command.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://")
    assert "--nthreads 1" in command


@pytest.mark.parametrize(
    ("field", "value"),
    [("walltime", "soon"), ("walltime", "00:00:00"), ("walltime", "1:2:3:4"), ("walltime", "-1"), ("memory", "lots")],
)
def test_slurm_options_that_cannot_be_read(field, value):
    with pytest.raises(ArgumentError, match=f"{field}='{value}'"):
        Slurm(**{field: value})


def test_walltimes_of_slurm():
    for text in ("90", "90:30", "02:30:00", "120:00:00", "1-12", "1-12:30", "1-12:30:30"):
        assert Slurm(walltime=text).walltime == text


def commands(monkeypatch, folder, **texts):
    """Put commands where they are found first."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_without_sbatch(monkeypatch, tmp_path):
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="needs sbatch, which is not here"):
        list(Slurm().compute(items("failing", {"n": [1]})))


def test_jobs_that_are_refused(monkeypatch, tmp_path, capfd):
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    refusal = "#!/bin/sh\necho 'sbatch: error: no such partition' >&2\nexit 1\n"
    commands(monkeypatch, tmp_path / "bin", sbatch=refusal)
    begin = time.monotonic()
    with pytest.raises(EngineError, match=r"^sbatch took no job: sbatch: error: no such partition$"):
        list(Slurm(jobs=2).compute(items("failing", {"n": [1]})))
    assert time.monotonic() - begin < 10.0
    assert capfd.readouterr() == ("", "")


STUB = """#!/bin/sh
# Keeps a copy of the script, as sbatch does, and runs it at once, as a queue without waiting would.
cp "$1" "$SLURM_STUB/$$.sh"
setsid bash "$SLURM_STUB/$$.sh" >>"$SLURM_STUB/log" 2>&1 &
echo "Submitted batch job $!"
"""


@pytest.mark.slow
def test_slurm_from_submission_to_results(tmp_path, monkeypatch):
    """With an ``sbatch`` that runs the script: everything of SLURM but the queue."""
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    cancel = '#!/bin/sh\nfor job; do kill -- "-$job"; done\nexit 0\n'
    commands(monkeypatch, tmp_path / "bin", sbatch=STUB, scancel=cancel)
    monkeypatch.setenv("SLURM_STUB", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    numbers = items("noisy", {"n": [1, 2]}, replicates=3)
    engine = Slurm(jobs=2, patience=60.0, local_directory=str(tmp_path))
    assert values(computed(engine, numbers)) == values(computed(Serial(), numbers))


@pytest.mark.slow
def test_slurm_imports_the_study_of_a_folder_that_no_path_of_its_jobs_has(tmp_path, monkeypatch):
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("needs dask-jobqueue")
    cancel = '#!/bin/sh\nfor job; do kill -- "-$job"; done\nexit 0\n'
    commands(monkeypatch, tmp_path / "bin", sbatch=STUB, scancel=cancel)
    monkeypatch.setenv("SLURM_STUB", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    (tmp_path / "code").mkdir()
    (tmp_path / "code/study_on_slurm.py").write_text(STUDY)
    place = "study_on_slurm:largest_sum"
    item = Item(place, place, {"n": 2}, 0, 5, Context(code=tmp_path / "code"))
    (finished,) = Slurm(jobs=1, patience=60.0, local_directory=str(tmp_path)).compute([item])
    assert finished.rows, finished.reason


@pytest.mark.slow
def test_a_running_scheduler_by_address_and_by_file(tmp_path):
    numbers = items("noisy", {"n": [1, 2]}, replicates=3)
    wanted = values(computed(Serial(), numbers))
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as running:
        assert values(computed(Dask(address=running.scheduler_address), numbers)) == wanted
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file), "--port", "0",
               "--no-dashboard"]  # fmt: skip
    scheduler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not file.exists():
            assert scheduler.poll() is None
        with pytest.raises(EngineError, match="no Dask worker appeared in 1 s"):
            list(Dask(address=str(file), patience=1.0).compute(numbers))
    finally:
        scheduler.terminate()
        scheduler.wait()
