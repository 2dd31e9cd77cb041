"""How an adapter joins the contract tests: a bench in a file of its own, `bench_NAME.py`, and a line below.

`test_promises.py` runs every promise of docs/adding-a-provider.md on each of `BENCHES`.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.providers.bench import Bench
from tests.providers.bench_cinetpay import CinetPayBench
from tests.providers.bench_cinetpay_legacy import LegacyCinetPayBench
from tests.providers.bench_mtn import MtnBench
from tests.providers.bench_pawapay import PawaPayBench
from tests.providers.bench_stripe import StripeBench
from tests.providers.bench_wave import WaveBench

BENCHES: Sequence[type[Bench]] = (
    CinetPayBench,
    LegacyCinetPayBench,
    MtnBench,
    PawaPayBench,
    StripeBench,
    WaveBench,
)
"""Every adapter's bench. To let one join, add its class here."""


def in_the_house(benches: Sequence[type[Bench]]) -> list[Any]:
    """These as parameters of tests of the domain, which a provider's second kind of account only repeats."""
    return [pytest.param(one, id=one.label(), marks=[pytest.mark.long] if one.kind else []) for one in benches]
