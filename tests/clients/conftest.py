"""One served checkout, its document, and a merchant's key; what the machine lacks is said."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from ikawaari import store
from tests import factories
from tests.chaos.shop import environment
from tests.clients import tools
from tests.conftest import disconnect
from tests.serving import Served, serve


@pytest.fixture(scope="module")
def served(new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server that all clients of a module pay."""
    url = new_sqlite(tmp_path_factory.mktemp("served"))
    store.connect(url)
    with serve(environment(url), 1, 4) as running:
        yield running
    disconnect()


@pytest.fixture(scope="module")
def document(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's document, in a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(requests.get(f"{served.url}/openapi.json", timeout=30).content)
    return path


@pytest.fixture
def must_pay(served: Served) -> Callable[..., None]:
    """Runs a program that pays, given as a command: it prints a session's id, and the server says that it is paid."""
    key = factories.credential()

    def check(*command: str | Path, folder: Path, **variables: str) -> None:
        session_id = tools.run(*command, served.url, key, folder=folder, **variables).split()[-1]
        url = f"{served.url}/api/v1/checkout/sessions/{session_id}"
        found = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=30).json()
        assert (found["payment_status"], found["amount"]) == ("paid", 5000), json.dumps(found)

    return check


def needs(program: str, package: str) -> None:
    """Skip where the program is missing; `package` is Debian's."""
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here (Debian: apt install {package})")
