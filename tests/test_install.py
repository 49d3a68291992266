"""Installing as the README says ends with the desk's scripts, and so does the wheel; without a registry it says why."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from daisychain.built_files import BUILT

ROOT = Path(__file__).parent.parent
# Nobody listens there.
NO_REGISTRY = {"npm_config_registry": "http://127.0.0.1:9/", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")


def make(folder: Path, *targets: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")}
    return subprocess.run(
        ["make", *targets], cwd=folder, env=kept | environment, text=True, capture_output=True, check=False
    )


@pytest.mark.usefixtures("scripts")
def test_every_built_file_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    packed = {path for pattern in patterns for path in (ROOT / "templates").glob(pattern)}
    assert {path.name for path in BUILT.iterdir()} >= {"manifest.json", "LICENSES.txt", "axe.min.js"}
    assert set(BUILT.iterdir()) <= packed


@needs_make
@pytest.mark.processes
@pytest.mark.parametrize("ci", ["", "1"])
def test_without_a_registry_make_says_so_in_one_line_and_goes_on_but_not_under_ci(tmp_path: Path, ci: str) -> None:
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "Makefile", tmp_path)
    run = make(tmp_path, "scripts", **NO_REGISTRY, npm_config_cache=str(tmp_path / "cache"), CI=ci)
    assert (run.returncode != 0) == bool(ci)
    assert "The desk's scripts were not built: " in run.stderr
    if not ci:
        assert len(run.stderr.splitlines()) == 1
    assert not (tmp_path / "templates").exists()


@needs_make
@pytest.mark.slow
@pytest.mark.parametrize("node", ["the machine's", "from PyPI"])
def test_installing_as_the_readme_says_ends_with_the_scripts_and_with_a_wheel_that_has_them(
    tmp_path: Path, node: str
) -> None:
    [install] = re.findall(r"^make -C daisychain (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    clone, path = tmp_path / "daisychain", os.environ["PATH"]
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    if node == "from PyPI":
        path = str(tmp_path / "bin")
        (tmp_path / "bin").mkdir()
        for program in (
            each for folder in os.get_exec_path() if Path(folder).is_dir() for each in Path(folder).iterdir()
        ):
            if program.name not in {"node", "nodejs", "npm", "npx"} and not (tmp_path / "bin" / program.name).exists():
                (tmp_path / "bin" / program.name).symlink_to(program)
    for target in (install, "wheel"):
        run = make(clone, target, PATH=path, CI="1")
        assert run.returncode == 0, run.stderr
    built = {file.relative_to(clone).as_posix() for file in (clone / "templates/static/built").iterdir()}
    [wheel] = (clone / "dist").glob("*.whl")
    assert {Path(name).stem.split("-")[0] for name in built} >= {"desk", "public", "source", "manifest"}
    assert built <= set(zipfile.ZipFile(wheel).namelist())
