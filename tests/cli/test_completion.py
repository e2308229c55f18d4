"""Scripts that let shells complete are printed as they are, and shells take them."""

import shutil
import subprocess

import pytest

from tests.cli.running import run


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["zsh"])
def test_a_script_is_printed_unbroken(capsys, shell):
    printed = run(capsys, "completion", shell)
    script = run(capsys, "completion", shell, "--json").json["script"]
    assert printed.out.rstrip("\n") == script.rstrip("\n")
    assert max(map(len, script.splitlines())) > 160
    assert "per-weight" in script
    assert "dask" in script


def test_bash_completes_verbs(capsys, tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    (tmp_path / "script").write_text(run(capsys, "completion", "bash").out)
    program = f"source {tmp_path}/script; COMP_WORDS=(slth constr); COMP_CWORD=1; _slth; echo ${{COMPREPLY[@]}}"
    ran = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["construct"]
