"""Every line that the papers give to be copied runs, against the real server, as its reader would run it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import shop as shops
from tests.docs import papers
from tests.examples.conftest import key_on
from tests.serving import Served, serve

PAPERS = ("README.md", "docs/merchants.md")
DEMO = "http://127.0.0.1:8000"
CURLS = [block for name in PAPERS for language, block in papers.blocks(papers.text_of(name)) if "curl" in block]
BODIES = [block for name in PAPERS for language, block in papers.blocks(papers.text_of(name)) if language == "json"]


class Reader:
    """Somebody who copies from the papers into a terminal, in the project's folder."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder = served, folder

    def runs(self, block: str) -> dict[str, Any]:
        """Run a block. Returns the JSON that it prints."""
        script = block.replace(DEMO, self.served.url)
        ran = subprocess.run(["sh", "-e", "-c", script], cwd=self.folder, capture_output=True, check=True, timeout=30)
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, new_sqlite: Callable[[Path], str]) -> Iterator[Reader]:
    """With the demo key where the papers look for it, and a server without delays."""
    if shutil.which("curl") is None:
        pytest.skip("no curl: the papers' lines for it are not run")
    folder = tmp_path_factory.mktemp("reader")
    database_url = new_sqlite(folder)
    (folder / "instance").mkdir()
    (folder / "instance" / "demo.key").write_text(key_on(database_url) + "\n")
    with serve(shops.environment(database_url), 1, 8) as served:
        yield Reader(served, folder)


def test_the_papers_have_lines_to_copy() -> None:
    assert len(CURLS) >= 6
    assert len(BODIES) == 1


@pytest.mark.parametrize("block", CURLS, ids=lambda block: re.sub(r"\W+", "-", block.split(DEMO)[1].split(" ")[0]))
def test_a_curl_is_answered(reader: Reader, block: str) -> None:
    if "cs_…" in block:
        opened = next(other for other in CURLS if "Commande 1042" in other)
        block = block.replace("cs_…", reader.runs(opened)["id"])
    answer = reader.runs(block)
    assert "error" not in answer, answer
    assert answer["object"] in {"checkout.session", "payment_link", "webhook_endpoint"}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_pays_a_session_of_a_link_with_quantities(reader: Reader, body: str) -> None:
    link = next(block for block in CURLS if "adjustableQuantity" in block)
    two = link.replace("]}'", ', {"name": "Programme", "amount": 500}]}\'').replace("}]}, {", "}, {")
    made = reader.runs(two)
    opened = f"""curl -s {DEMO}/api/v1/checkout/sessions -H "Authorization: Bearer $(cat instance/demo.key)" \
        -H "Content-Type: application/json" -d '{{"paymentLinkV2Id": "{made["id"]}"}}'"""
    session = reader.runs(opened)
    pay = f"curl -s {DEMO}/api/checkout/{session['id']}/pay -H 'Content-Type: application/json' -d '{body}'"
    paid = reader.runs(pay)
    assert paid["payment"]["amount"] == 3 * 5_000 + 500
