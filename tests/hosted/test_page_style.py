"""The page's stylesheet: written for people, sent without a byte that means nothing."""

import gzip
import re
from pathlib import Path

import pytest

from ikawaari.config import ROOT
from ikawaari.hosted import csp


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/* why */\na {\n    color: red;\n    margin: 0 auto;\n}\n", "a{color:red;margin:0 auto}"),
        ("h1 > a + b ~ i,\n:is(p, q) { top: 0 }", "h1>a+b~i,:is(p,q){top:0}"),
        (".tel:has(+ .problem) { font: inherit !important; }", ".tel:has(+.problem){font:inherit!important}"),
        ("header :focus { width: min(8vw + .5rem, 100% - 1px); }", "header :focus{width:min(8vw + .5rem,100% - 1px)}"),
        ("@media (min-width: 2rem) { a { b: c; } d { e: f; } }", "@media (min-width:2rem){a{b:c}d{e:f}}"),
    ],
)
def test_blanks_go_where_they_mean_nothing(written: str, sent: str) -> None:
    assert csp._minified(written) == sent


def test_what_is_sent_says_what_is_written() -> None:
    def rules(css: str) -> list[str]:
        return re.sub(r"/\*.*?\*/|\s+|;(?=\s*\})", "", css, flags=re.DOTALL).split("}")

    written = Path(ROOT / "static" / "checkout.css").read_text()
    sent = csp._minified(written)
    assert rules(sent) == rules(written)
    assert len(gzip.compress(sent.encode())) <= 5_000  # half of what a first flight may have
    assert max(map(len, written.splitlines())) <= 120
