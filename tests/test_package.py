"""The package as a whole: what importing costs, what names mean, what is allowed where."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import slth
from tests.tools.module_sizes import too_long

SOURCE = Path(slth.__file__).parent
TESTS = Path(__file__).parent
ELSEWHERE = {"slth.__main__"} | ({"slth.networks.digits"} if find_spec("triton") is None else set())
MODULES = sorted(name for _, name, _ in pkgutil.walk_packages([str(SOURCE)], "slth.") if name not in ELSEWHERE)
FILES = sorted(SOURCE.rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> set[str]:
    """Full names of modules that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_imports_whatever_the_command_line_says():
    """No module reads the arguments when it is imported, prints, or warns."""
    code = f"""
import sys
sys.argv = ["prog", "--help", "--nonsense", "-x"]
import importlib
for name in {MODULES!r}:
    importlib.import_module(name)
"""
    assert in_a_new_process(code) == ""


def test_every_exported_name_is_there_after_every_module_was_imported():
    for name in MODULES:
        importlib.import_module(name)
    for name in slth.__all__:
        value = getattr(slth, name)
        assert not inspect.ismodule(value), name
    assert set(slth.__all__) <= set(dir(slth))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = slth.nonsense  # type: ignore[attr-defined]


def test_no_exported_name_is_a_submodule():
    """Importing slth.x rebinds slth.x: a name that is both would change its meaning."""
    assert not {name.split(".")[1] for name in MODULES} & set(slth.__all__)


def test_the_type_checkers_names_are_the_exported_ones():
    (guarded,) = [node for node in tree(SOURCE / "__init__.py").body if isinstance(node, ast.If)]
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    assert {alias.asname for node in imports for alias in node.names} == set(slth.__all__) - {"__version__"}
    for node in imports:
        for alias in node.names:
            assert getattr(importlib.import_module(node.module or ""), alias.name) is getattr(slth, alias.name)


def test_importing_the_package_loads_nothing_heavy():
    code = "import slth, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(in_a_new_process(code).split())
    assert not loaded & {"torch", "numpy", "scipy", "numba", "matplotlib", "sklearn", "cyclopts", "rich", "jinja2"}


def test_help_loads_nothing_heavy():
    code = "import sys; from slth.cli import main; main(['--help']); print(*{n.split('.')[0] for n in sys.modules})"
    loaded = set(in_a_new_process(code).split())
    assert not loaded & {"torch", "numpy", "scipy", "numba", "matplotlib", "sklearn", "jinja2"}


def test_solving_loads_neither_torch_nor_matplotlib():
    code = "import slth, sys; slth.solve([1.0, 2.0], 3.0); print(*{n.split('.')[0] for n in sys.modules})"
    assert not set(in_a_new_process(code).split()) & {"torch", "matplotlib", "sklearn", "cyclopts"}


def test_version_is_said_once():
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == slth.__version__


def test_compilation_options_are_written_in_one_place():
    allowed = {SOURCE / "kernels" / "_jit.py", SOURCE / "networks" / "digits.py"}  # numba's, and Triton's
    words = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "generated_jit"}
    for path in set(FILES) - allowed:
        for node in ast.walk(tree(path)):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
            assert name not in words, f"{path}: {name}"


def test_kernels_know_numbers_alone():
    for path in (SOURCE / "kernels").glob("*.py"):
        outside = {name.split(".")[0] for name in imported(path)} - {"slth", "__future__"}
        known = {"numpy", "math", "collections", "typing"}
        own = ("slth.kernels",)
        if path.name == "_jit.py":  # which finds numba, and says what is wrong with its cache
            known |= {"numba", "contextlib", "functools", "importlib", "pathlib", "warnings"}
            own = ("slth.errors",)
        assert outside <= known, path
        assert all(name.startswith(own) for name in imported(path) if name.startswith("slth")), path


def test_oracles_do_not_use_what_they_check():
    names = imported(TESTS / "oracles.py")
    assert not {name for name in names if name.startswith("slth.kernels") or name.split(".")[0] in {"numba", "torch"}}


def test_the_library_does_not_print_or_read_the_environment():
    """Only the command line speaks and listens; the rest returns values and reports through callables."""
    for path in FILES:
        if path.is_relative_to(SOURCE / "cli") or path.name == "__main__.py":
            continue
        text = tree(path)
        for node in ast.walk(text):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"print", "input", "eval", "exec"}, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"argv", "getenv"}, path
                if node.attr == "environ":
                    # A benchmark of fresh processes hands its own environment on to them.
                    assert path == SOURCE / "benchmarks" / "solvers.py", path


def test_global_generators_are_not_used():
    for path in FILES:
        for name in imported(path):
            assert name.split(".")[0] != "random", path
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in {"seed", "manual_seed"}:
                owner = node.value
                module = ast.unparse(owner)
                assert module not in {"np.random", "numpy.random", "torch", "torch.random", "random"}, path


def test_pickles_are_opened_in_one_place():
    for path in FILES:
        if "pickle" in {name.split(".")[0] for name in imported(path)}:
            assert path.name == "cifar.py", path
        # Of torch's own files only tensors are read: that loader executes nothing.
        text = path.read_text(encoding="utf-8")
        assert text.count("torch.load(") == text.count("weights_only=True"), path


def test_words():
    """One word for how much is kept; it cannot be taken for its opposite."""
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                for argument in [*node.args.args, *node.args.kwonlyargs]:
                    assert not {"sparsity", "prune_rate", "pruning_rate"} & {argument.arg}, f"{path}: {node.name}"


def test_modules_can_be_read_in_one_sitting():
    assert too_long(SOURCE) == {}


@pytest.mark.parametrize("name", sorted(set(slth.__all__) - {"__version__"}))
def test_exported_names_explain_themselves(name):
    value = getattr(slth, name)
    text = inspect.getdoc(value) or ""
    assert len(text) > 40, f"{name} has no docstring"
    if inspect.isfunction(value):
        for section in ("Parameters\n---", "Returns\n---", "Raises\n---", "Examples\n---"):
            assert section in text, f"{name} lacks {section.split()[0]}"
        explained = text[text.index("Parameters\n---") : text.index("Returns\n---")]
        for parameter in inspect.signature(value).parameters:
            assert parameter in explained, f"{name} does not explain {parameter}"
    elif inspect.isclass(value) and not issubclass(value, Exception):
        assert "Examples\n---" in text or "Parameters\n---" in text or "Attributes\n---" in text, name


@pytest.mark.parametrize("name", sorted(set(slth.__all__) - {"__version__"}))
def test_options_are_keywords_and_never_bare_truth_values(name):
    value = getattr(slth, name)
    if not inspect.isfunction(value):
        return
    for parameter in inspect.signature(value).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, f"{name}({parameter.name})"
