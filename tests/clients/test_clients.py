"""Each generator's client compiles and pays; the linter has nothing to say. `make clients` runs this."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import tools
from tests.clients.conftest import needs

pytestmark = pytest.mark.long
PROGRAMS = tools.HERE / "programs"
VALIDATOR = "gopkg.in/validator.v2"
OFF_LINE = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOSUMDB": "off"}

MustPay = Callable[..., None]


def typescript_fetch(document: Path, folder: Path) -> None:
    """openapi-generator's TypeScript."""
    tools.generate("typescript-fetch", document, folder / "client", "supportsES6=true")


def openapi_fetch(document: Path, folder: Path) -> None:
    """Types only, for a client that is a library."""
    (folder / "client").mkdir()
    tools.run("node_modules/.bin/openapi-typescript", document, "-o", "client/schema.ts", folder=folder)


def hey_api(document: Path, folder: Path) -> None:
    """Functions, one for each operation."""
    tools.run("node_modules/.bin/openapi-ts", "-i", document, "-o", "client", folder=folder)


@pytest.mark.parametrize("generate", [typescript_fetch, openapi_fetch, hey_api], ids=lambda made: made.__name__)
def test_typescript(generate: Callable[[Path, Path], None], document: Path, tmp_path: Path, must_pay: MustPay) -> None:
    needs("npm", "npm")
    (tmp_path / "node_modules").symlink_to(tools.node_modules())
    shutil.copy(tools.HERE / "tsconfig.json", tmp_path)
    shutil.copy(PROGRAMS / f"{generate.__name__.replace('_', '-')}.ts", tmp_path / "pay.ts")
    generate(document, tmp_path)
    tools.run("node_modules/.bin/tsc", "-p", ".", folder=tmp_path)
    must_pay("node", "js/pay.js", folder=tmp_path)


def test_python(document: Path, tmp_path: Path, must_pay: MustPay) -> None:
    tools.generate("python", document, tmp_path / "client", "packageName=ikawaari_client")
    shutil.copy(PROGRAMS / "python.py", tmp_path / "pay.py")
    must_pay(tools.python(), "pay.py", folder=tmp_path, PYTHONPATH=str(tmp_path / "client"))


def test_php(document: Path, tmp_path: Path, must_pay: MustPay) -> None:
    needs("php", "php-cli php-curl php-mbstring php-guzzlehttp-guzzle")
    tools.generate("php", document, tmp_path / "client", "invokerPackage=OpenAPI\\Client")
    for source in (tmp_path / "client").rglob("*.php"):
        tools.run("php", "-l", source, folder=tmp_path)
    if not Path("/usr/share/php/GuzzleHttp/autoload.php").exists():
        pytest.skip("every file parses; it did not pay: no Guzzle here (Debian: apt install php-guzzlehttp-guzzle)")
    shutil.copy(PROGRAMS / "php.php", tmp_path / "pay.php")
    must_pay("php", "pay.php", folder=tmp_path)


def test_go(document: Path, tmp_path: Path, must_pay: MustPay) -> None:
    needs("gofmt", "golang-go golang-gopkg-validator.v2-dev")
    tools.generate("go", document, tmp_path, "packageName=api")
    tools.run("gofmt", "-e", "-l", tmp_path, folder=tmp_path)
    library = Path("/usr/share/gocode/src") / VALIDATOR
    if not library.exists():
        pytest.skip("every file parses; it did not pay: no golang-gopkg-validator.v2-dev here")
    shutil.copytree(library, tmp_path / "validator", ignore=shutil.ignore_patterns("*_test.go"))
    (tmp_path / "validator" / "go.mod").write_text(f"module {VALIDATOR}\n")
    edits = ["-module=example.com/ikawaari", f"-replace={VALIDATOR}=./validator"]
    tools.run("go", "mod", "edit", *edits, folder=tmp_path)
    (tmp_path / "pay").mkdir()
    shutil.copy(PROGRAMS / "go.go", tmp_path / "pay" / "main.go")
    tools.run("go", "vet", ".", folder=tmp_path, **OFF_LINE)
    must_pay("go", "run", "./pay", folder=tmp_path, **OFF_LINE)


def test_the_linter_is_content(document: Path) -> None:
    needs("npm", "npm")
    redocly = tools.node_modules() / ".bin" / "redocly"
    tools.run(redocly, "lint", document, "--config", tools.HERE / "redocly.yaml", folder=document.parent)
