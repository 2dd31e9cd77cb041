"""The page's stylesheet: written for people, sent without a byte that means nothing; and what moves by itself."""

import gzip
import re
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask, render_template

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


@pytest.mark.parametrize(("left", "life"), [(1, 60), (7, 60), (43, 60), (60, 60), (3_599, 3_600)])
def test_a_bar_of_time_takes_at_most_one_step_a_second_and_ends_with_the_time(app: Flask, left: int, life: int) -> None:
    with app.test_request_context("/"):
        source = render_template("checkout/parts/time.html", state={"seconds_left": left}, life=life, ends_at="21:46")
    begun = re.search(r'<rect width="([\d.]+)"', source)
    steps = [(float(to), int(at)) for to, at in re.findall(r'<set [^>]*to="([\d.]+)" begin="(\d+)s"', source)]
    widths, times = [float(begun[1] if begun else 0), *(to for to, _ in steps)], [0, *(at for _, at in steps)]
    assert all(after - before >= 1 for before, after in pairwise(times))
    assert all(after < before for before, after in pairwise(widths))
    assert (widths[0], widths[-1], times[-1]) == (round(100 * left / life, 1), 0, left)


def test_nothing_else_moves_by_itself_unless_motion_is_wanted() -> None:
    for template in (ROOT / "templates" / "checkout").rglob("*.html"):
        drawn = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
        assert "<animate" not in drawn, template.name
    style = (ROOT / "static" / "checkout.css").read_text()
    assert "animation" not in style.partition("@media (prefers-reduced-motion: no-preference)")[0]
