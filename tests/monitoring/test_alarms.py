"""Alarms and dashboard know metrics, labels and pages that exist; each alarm sounds when it should, and only then."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ikawaari import meters
from ikawaari.checkout.figures import AGES
from ikawaari.config import ROOT
from ikawaari.errors import CODES
from ikawaari.meters import Kind
from ikawaari.providers.base import FailureCode, Result
from ikawaari.states import AttemptStatus
from tests import programs
from tests.docs import papers

OPERATIONS = "docs/operations.md"
RULES = ROOT / "deploy" / "prometheus" / "alarms.yml"
DASHBOARD: Any = json.loads((ROOT / "deploy" / "grafana" / "ikawaari.json").read_text())
ALARMS: Mapping[str, Any] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
# What a metric's labels may say, where we know all of it.
VALUES = {
    "mode": {"live", "test", "$mode"},
    "age": set(AGES),
    "mended": {"yes", "no"},
    "result": {*Result, "provider_unavailable", "configuration_error", "accepted", "refused", "unanswered"}
    | {"done", "again", "failed"},
    "status": {*AttemptStatus, *(str(int(row.status)) for row in CODES.values())},
    "failure": set(FailureCode),
}
SELECTOR = re.compile(r"\b(ikawaari_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


def expressions() -> Iterator[str]:
    """Every query of the alarms and of the dashboard."""
    yield from (rule["expr"] for rule in ALARMS.values())
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ()))


def series() -> Mapping[str, set[str]]:
    """What Prometheus knows of each metric: the names of its series, and their labels."""
    known: dict[str, set[str]] = {}
    for meter in meters.ALL:
        ends = ("_bucket", "_sum", "_count") if meter.kind is Kind.HISTOGRAM else ("",)
        known |= {f"{meter.name}{end}": {*meter.labels, *(["le"] if end == "_bucket" else [])} for end in ends}
    return known


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_a_query_asks_for_series_labels_and_values_that_exist(expression: str) -> None:
    known, found = series(), SELECTOR.findall(expression)
    assert found or "up{" in expression
    for name, matchers in found:
        assert name in known, name
        assert bool(matchers) == bool(MATCHER.findall(matchers)), matchers
        for label, operation, value in MATCHER.findall(matchers):
            assert label in known[name], f"{name} has no {label}"
            if label in VALUES:
                pattern = value.replace("\\\\", "\\") if "~" in operation else re.escape(value)
                assert any(re.fullmatch(pattern, one) or one == value for one in VALUES[label]), (label, value)
    grouped = re.findall(r"\bby \(([^)]*)\)", expression)
    labels = set().union(*(known[name] for name, _ in found), {"instance", "job"}) if found else {"instance", "job"}
    assert {word.strip() for words in grouped for word in words.split(",")} <= labels


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(expressions())
    missing = [meter.name for meter in meters.ALL if meter.name not in shown]
    assert missing == []


def test_the_dashboard_has_a_place_for_each_panel() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids) > 20
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_has_its_page_that_says_what_to_do(name: str) -> None:
    rule = ALARMS[name]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"].keys() == {"summary", "runbook_url"}, (
        "which is what Alertmanager and Grafana make a link of"
    )
    assert rule["annotations"]["runbook_url"] == "{{ $externalLabels.runbooks }}#" + name.lower()
    page = re.search(rf"^### {name}\n(.*?)^##", papers.text_of(OPERATIONS), re.DOTALL | re.MULTILINE)
    assert page
    assert "\n1. " in page[1]
    assert f"({rule['labels']['severity']})" in page[1]


def test_no_page_has_lost_its_alarm() -> None:
    pages = re.findall(r"^### (Ikawaari\w+)$", papers.text_of(OPERATIONS), re.MULTILINE)
    assert sorted(pages) == sorted(ALARMS)


# ---------------------------------------------------------------- whether they sound

SHOP = "ikawaari_http_request_duration_seconds"
LIVE = 'account="acc_1", mode="live", operator="wave_sn"'
BOOKS = 'finding="attempt_books_do_not_add_up", mended="no"'
# Of each alarm: series that make it sound, as promtool writes them (start, change per minute, times). Behind a colon it
# has the same trouble in another shape, such as a series that does not exist.
TROUBLES: Mapping[str, Mapping[str, str]] = {
    "IkawaariServerDown": {'up{job="ikawaari", instance="a"}': "0x120"},
    "IkawaariServerDown: Prometheus knows none": {'up{job="another"}': "1x120"},
    "IkawaariDatabaseDown": {'ikawaari_database_up{instance="a"}': "0x120"},
    "IkawaariErrors": {f'{SHOP}_count{{status="500"}}': "0+3x120", f'{SHOP}_count{{status="200"}}': "0+97x120"},
    "IkawaariErrors: nothing else": {f'{SHOP}_count{{status="500"}}': "0+3x120"},
    "IkawaariErrors: a quiet shop, asked for its health all the time": {
        f'{SHOP}_count{{status="500", route="/a"}}': "0+1x120",
        f'{SHOP}_count{{status="200", route="/readyz"}}': "0+120x120",
    },
    "IkawaariSlow": {
        f'{SHOP}_bucket{{route="/a", le="0.5"}}': "0+90x120",
        f'{SHOP}_bucket{{route="/a", le="1"}}': "0+100x120",
        f'{SHOP}_bucket{{route="/a", le="+Inf"}}': "0+100x120",
    },
    "IkawaariSlow: a quiet shop, asked for its health all the time": {
        f'{SHOP}_bucket{{route="/a", le="0.5"}}': "0x120",
        f'{SHOP}_bucket{{route="/a", le="1"}}': "0+1x120",
        f'{SHOP}_bucket{{route="/a", le="+Inf"}}': "0+1x120",
        f'{SHOP}_bucket{{route="/readyz", le="0.5"}}': "0+120x120",
        f'{SHOP}_bucket{{route="/readyz", le="+Inf"}}': "0+120x120",
    },
    "IkawaariDatabasePoolExhausted": {'ikawaari_database_pool_exhausted_total{instance="a"}': "0+60x120"},
    "IkawaariClockSkew": {'ikawaari_clock_skew_seconds{instance="a"}': "-3x120"},
    "IkawaariLogLinesDropped": {'ikawaari_log_lines_dropped{instance="a"}': "0+1x120"},
    "IkawaariLogLinesDropped: since its start": {'ikawaari_log_lines_dropped{instance="a"}': "_x110 7x10"},
    "IkawaariNoPayments": {f'ikawaari_attempts_total{{{LIVE}, status="succeeded"}}': "0+1x1000 1000x600"},
    "IkawaariNoPayments: not one since an upgrade": {
        f'ikawaari_attempts_total{{{LIVE}, status="succeeded"}}': "0+1x1000",
        f'ikawaari_attempts_total{{{LIVE}, status="failed"}}': "0+1x1000 0+1x600",
    },
    "IkawaariNoPayments: nothing is counted any more": {
        f'ikawaari_attempts_total{{{LIVE}, status="succeeded"}}': "0+1x1000"
    },
    "IkawaariPaymentsFail: not one succeeds": {f'ikawaari_attempts_total{{{LIVE}, status="failed"}}': "0+5x120"},
    "IkawaariPaymentsFail": {
        f'ikawaari_attempts_total{{{LIVE}, status="succeeded"}}': "0+1x120",
        f'ikawaari_attempts_total{{{LIVE}, status="failed"}}': "0+5x120",
    },
    "IkawaariProviderSettingsRefused": {
        f'ikawaari_provider_calls_total{{{LIVE}, verb="charge", result="configuration_error"}}': "_x115 1x5"
    },
    "IkawaariProviderSettingsRefused: at another server than long ago": {
        f'ikawaari_provider_calls_total{{{LIVE}, instance="a", result="configuration_error"}}': "4x120",
        f'ikawaari_provider_calls_total{{{LIVE}, instance="b", result="configuration_error"}}': "_x115 1x5",
    },
    "IkawaariProviderDown": {f"ikawaari_breaker_open{{{LIVE}}}": "1x120"},
    "IkawaariAttemptsUnsettled": {'ikawaari_attempts_unsettled{account="acc_1", mode="live", age="24h+"}': "2x120"},
    "IkawaariRefundsPending": {'ikawaari_refunds_pending{account="acc_1", mode="live", age="24h+"}': "1x120"},
    "IkawaariAuditFinding": {f"ikawaari_audit_findings_total{{{BOOKS}}}": "3x60 4x60"},
    "IkawaariAuditFinding: the first, of a worker that was restarted": {
        f"ikawaari_audit_findings_total{{{BOOKS}}}": "_x10 1x20"
    },
    "IkawaariMoneyHeld": {'ikawaari_money_held_attempts{account="acc_1", mode="live", currency="XOF"}': "1x120"},
    "IkawaariIncidentOpen": {'ikawaari_incidents_open{kind="dispute"}': "1x120"},
    "IkawaariReconciliationCaseOpen": {
        'ikawaari_reconciliation_cases_open{account="acc_1", mode="live", kind="missing_here"}': "1x400"
    },
    "IkawaariDueWorkLate": {'ikawaari_due_work_lag_seconds{kind="attempt.enquire"}': "301+60x120"},
    "IkawaariWorkersNotWatched": {'up{job="ikawaari", instance="a"}': "1x200"},
    "IkawaariDueWorkFails": {
        'ikawaari_due_work_duration_seconds_count{kind="refund.send", result="failed"}': "0+1x120"
    },
    "IkawaariWebhooksNotAccepted": {
        'ikawaari_webhook_tries_total{mode="live", result="accepted"}': "0+1x120",
        'ikawaari_webhook_tries_total{mode="live", result="refused"}': "0+2x120",
    },
    "IkawaariWebhooksNotAccepted: not one": {
        'ikawaari_webhook_tries_total{mode="live", result="unanswered"}': "0+1x120"
    },
    "IkawaariWebhookEndpointFailing": {'ikawaari_webhook_endpoints_failing{mode="live"}': "1x120"},
}
AT = {
    "IkawaariWorkersNotWatched": "130m",
    "IkawaariNoPayments": "1515m",  # yesterday there must have been some
    "IkawaariReconciliationCaseOpen": "370m",  # it waits for six hours
}
CALM: Mapping[str, str] = {
    'up{job="ikawaari", instance="a"}': "1x120",
    'ikawaari_database_up{instance="a"}': "1x120",
    f'{SHOP}_count{{status="200", route="/a"}}': "0+100x120",
    f'{SHOP}_count{{status="503", route="/a"}}': "0+1x120",
    f'{SHOP}_count{{status="503", route="/readyz"}}': "0+60x120",
    f'{SHOP}_bucket{{route="/a", le="0.5"}}': "0+99x120",
    f'{SHOP}_bucket{{route="/a", le="+Inf"}}': "0+100x120",
    f'{SHOP}_bucket{{route="/api/checkout/<string:session_id>/pay", le="0.5"}}': "0x120",  # waits for a provider
    f'{SHOP}_bucket{{route="/api/checkout/<string:session_id>/pay", le="+Inf"}}': "0+100x120",
    'ikawaari_clock_skew_seconds{instance="a"}': "0.01x120",
    'ikawaari_log_lines_dropped{instance="a"}': "3x120",
    f'ikawaari_attempts_total{{{LIVE}, status="succeeded"}}': "0+5x120",
    f'ikawaari_attempts_total{{{LIVE}, status="failed"}}': "0+2x120",
    f'ikawaari_provider_calls_total{{{LIVE}, verb="charge", result="configuration_error"}}': "4x120",  # long ago
    'ikawaari_attempts_unsettled{account="acc_1", mode="live", age="0-1m"}': "50x120",
    'ikawaari_refunds_pending{account="acc_1", mode="live", age="1-24h"}': "50x120",
    'ikawaari_refunds_pending{account="sandbox", mode="test", age="24h+"}': "50x120",
    'ikawaari_attempts_unsettled{account="sandbox", mode="test", age="24h+"}': "50x120",
    'ikawaari_money_held_attempts{account="sandbox", mode="test", currency="XOF"}': "9x120",
    'ikawaari_breaker_open{account="acc_2", mode="test", operator="wave_sn"}': "1x120",
    'ikawaari_due_work_lag_seconds{kind="attempt.enquire"}': "20x120",
    'ikawaari_due_work_duration_seconds_count{kind="housekeeping", result="again"}': "1x60 2x60",
    'ikawaari_webhook_tries_total{mode="live", result="accepted"}': "0+9x120",
    'ikawaari_webhook_tries_total{mode="live", result="unanswered"}': "0+1x120",
}


def test_each_alarm_is_tried() -> None:
    assert {_alarm_of(trouble) for trouble in TROUBLES} == set(ALARMS)


@pytest.mark.program("promtool")
def test_each_alarm_sounds_in_its_trouble_and_none_in_calm_weather(tmp_path: Path) -> None:
    files = [
        _file(
            tmp_path / name,
            [rule],
            [
                _case(given, name, AT.get(name, "119m"))
                for trouble, given in TROUBLES.items()
                if _alarm_of(trouble) == name
            ],
        )
        for name, rule in ALARMS.items()
    ]
    files.append(_file(tmp_path / "calm", [*ALARMS.values()], [_case(CALM, None, "119m")]))
    ended = _promtool("test", *files)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _alarm_of(trouble: str) -> str:
    return trouble.partition(":")[0]


@pytest.mark.program("promtool")
def test_an_alarm_links_to_its_part_of_the_page_where_the_operator_has_it(tmp_path: Path) -> None:
    expected = {
        "exp_labels": {"severity": "page", "job": "ikawaari", "instance": "a"},
        "exp_annotations": {
            "summary": "a does not answer Prometheus",
            "runbook_url": "https://wiki.example/operations#ikawaariserverdown",
        },
    }
    case = {
        "interval": "1m",
        "external_labels": {"runbooks": "https://wiki.example/operations"},
        "input_series": [{"series": name, "values": text} for name, text in TROUBLES["IkawaariServerDown"].items()],
        "alert_rule_test": [{"alertname": "IkawaariServerDown", "eval_time": "9m", "exp_alerts": [expected]}],
    }
    ended = _promtool("test", _file(tmp_path / "link", [ALARMS["IkawaariServerDown"]], [case]))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("file", "runbooks"), [("prometheus", OPERATIONS), ("compose", "${RUNBOOKS_URL}")])
def test_prometheus_is_told_where_the_page_is(file: str, runbooks: str) -> None:
    read = yaml.safe_load((RULES.parent / f"{file}.yml").read_text())
    assert read["global"]["external_labels"] == {"runbooks": runbooks}


@pytest.mark.program("promtool")
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(expressions())]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    ended = _promtool("check", str(file))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def _promtool(what: str, *files: str) -> "subprocess.CompletedProcess[str]":
    command = [programs.located("promtool"), what, "rules", *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _file(stem: Path, rules: Sequence[Any], cases: Sequence[Any]) -> str:
    """Write a file of tests for these rules, which takes promtool a part of the time that it takes for all of them."""
    written = stem.with_suffix(".rules.yml"), stem.with_suffix(".tests.yml")
    written[0].write_text(json.dumps({"groups": [{"name": "tried", "rules": rules}]}))
    tests = {"rule_files": [str(written[0])], "evaluation_interval": "1m", "tests": cases}
    written[1].write_text(json.dumps(tests))
    return str(written[1])


def _case(given: Mapping[str, str], alarm: str | None, at: str) -> Any:
    """What is given at each minute, and which alarm sounds then: that one, or none at all."""
    chosen = f'alertname="{alarm}", ' if alarm else ""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{{chosen}alertstate="firing"}})',
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": 1}] if alarm else [],
            }
        ],
    }
