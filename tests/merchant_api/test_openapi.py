"""The OpenAPI document: valid, whole, and true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from ikawaari import cli
from ikawaari.errors import CODES
from ikawaari.providers.base import FailureCode
from ikawaari.states import AttemptStatus
from tests import factories
from tests.merchant_api.calls import SESSIONS, Answer, Shop
from tests.merchant_api.documents import JSON, operations, resolved, strict
from tests.world import together


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert "nullable" not in json.dumps(document)


def test_every_json_route_of_the_api_is_in_it(document: dict[str, Any], shared_app: Flask) -> None:
    routes = {
        (method, re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in shared_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert {(method, path) for method, path, _ in operations(document)} == routes


def test_every_operation_is_named_summed_up_and_of_a_described_tag(document: dict[str, Any]) -> None:
    told = [operation for _, _, operation in operations(document)]
    assert len({operation["operationId"] for operation in told}) == len(told)
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for operation in told:
        assert operation["operationId"].isidentifier()
        assert operation["summary"].endswith(".")
        assert set(operation["tags"]) <= tags


def test_every_path_parameter_is_described(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        named = {parameter["name"]: parameter for parameter in item.get("parameters", ())}
        assert {f"{{{name}}}" for name in named} == {step for step in path.split("/") if step.startswith("{")}
        assert all(parameter["description"] for parameter in named.values())


def test_every_operation_tells_of_its_credential_and_of_what_comes_with_it(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        merchant = path.startswith(("/api/v1/", "/api/v2/")) or path.endswith("/advance")
        assert [*operation["security"]] == [] if not merchant else operation["security"][0]["bearer"]
        assert ({"401", "403", "429"} <= operation["responses"].keys()) == merchant
        parameters = [resolved(document, one)["name"] for one in operation.get("parameters", ())]
        pays = path == "/api/checkout/{session_id}/pay"
        assert ("Idempotency-Key" in parameters) == ((merchant and method == "POST") or pays)
        for status, response in operation["responses"].items():
            headers = resolved(document, response)["headers"]
            assert "Ikawaari-Request-Id" in headers
            assert ("X-RateLimit-Reset" in headers) == (merchant and status != "401")
            assert ("Idempotent-Replayed" in headers) == (merchant and method == "POST" and status[0] == "2")


def test_every_operation_tells_of_all_its_errors_in_one_shape(document: dict[str, Any]) -> None:
    shape = {"$ref": "#/components/schemas/Error"}
    validator = strict(document, shape)
    for _, _, operation in operations(document):
        statuses = operation["responses"].keys()
        assert {"500", "503"} <= statuses
        assert ("requestBody" not in operation) or {"400", "413", "415"} <= statuses
        for status in (status for status in statuses if status >= "400"):
            response = resolved(document, operation["responses"][status])
            content = response["content"][JSON]
            assert content["schema"] == shape
            for code, example in content["examples"].items():
                assert CODES[code].status == int(status)
                assert code in response["description"]
                validator.validate(example["value"])
    paying = document["paths"]["/api/checkout/{session_id}/pay"]["post"]["responses"]
    assert paying.keys() == {"200", "400", "402", "404", "409", "410", "413", "415", "429", "500", "503"}


def test_the_table_of_errors_is_whole(document: dict[str, Any]) -> None:
    for row in CODES.values():
        assert f"| `{row.id}` | {row.status} | {row.meaning}" in document["info"]["description"]


def test_the_introduction_tells_of_every_kind_of_object(document: dict[str, Any]) -> None:
    words = document["info"]["description"]
    for name in ("Checkout sessions", "Payment intents", "Refunds", "Webhook endpoints", "events"):
        assert f"*{name}*" in words
    for topic in ("Webhooks", "Signed return", "Idempotency", "Lists", "Errors"):
        assert f"**{topic}" in words


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        good = next(resolved(document, r) for status, r in operation["responses"].items() if status[0] == "2")
        for content in (good["content"][JSON], operation.get("requestBody", {}).get("content", {}).get(JSON)):
            if content:
                strict(document, content["schema"]).validate(content["example"])


def test_the_closed_sets_of_the_contract_are_closed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Failure"]["properties"]["code"]["enum"] == list(FailureCode)
    nullable = schemas["PaymentAttempt"]["properties"]["failure_code"]["anyOf"]
    assert nullable == [{"type": "string", "enum": list(FailureCode)}, {"type": "null"}]
    assert schemas["PublicPayment"]["properties"]["status"]["enum"] == list(AttemptStatus)
    assert schemas["CheckoutSession"]["properties"]["status"]["enum"] == ["open", "complete", "expired"]
    action = schemas["NextAction"]
    assert [resolved(document, one)["properties"]["type"]["enum"] for one in action["oneOf"]] == [
        [kind] for kind in action["discriminator"]["mapping"]
    ]


def test_no_answer_has_a_field_that_the_document_does_not_tell_of(document: dict[str, Any], shared_shop: Shop) -> None:
    whole = strict(document, {"$ref": "#/components/schemas/CheckoutSession"})
    public = strict(document, {"$ref": "#/components/schemas/PublicCheckout"})
    subscribing = {"mode": "subscription", "recurring": {"interval": "month"}}
    asking = {"customFields": [factories.custom_field("size", "dropdown"), factories.custom_field("note")]}
    item = {"name": "Wax", "amount": 5000, "currency": "XOF"}
    for body in ({}, subscribing, asking, {"lineItems": [item]}, {"customerPhone": "771234567"}):
        session_id = shared_shop.opened(**body)["id"]
        for ending in ("009", "001"):
            method = {"operator": "orange_sn", "phone_number": f"+221771299{ending}"}
            payment = {"payment_method": {"type": "mobile_money", "mobile_money": method}}
            paid = shared_shop.client.post(f"/api/checkout/{session_id}/pay", json=payment)
            assert paid.status_code in {200, 409}
            public.validate(shared_shop.client.get(f"/api/checkout/{session_id}").json)
            whole.validate(shared_shop.get(f"{SESSIONS}/{session_id}").json)


def test_generators_find_nothing_that_they_cannot_write_down(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        assert not (name.startswith("New") and name[3:] in schemas), name
        assert not name.startswith("Told")
        for told in schema.get("properties", {}).values():
            assert None not in told.get("enum", ()), (name, told)
            assert not ("null" in told.get("type", ()) and "default" in told), (name, told)
    tags = {tag["name"] for tag in document["tags"]}
    for webhook in document["webhooks"].values():
        operation = webhook["post"]
        assert (operation["security"], operation["tags"]) == ([], ["Webhooks"])
        assert operation["x-internal"]  # else openapi-generator writes calls of them, and its TypeScript has no imports
        assert operation["requestBody"]["content"][JSON]["schema"]["$ref"].endswith("Event")
        assert set(operation["tags"]) <= tags
    patterns = [
        told["pattern"] for s in schemas.values() for told in s.get("properties", {}).values() if "pattern" in told
    ]
    assert not [pattern for pattern in patterns if '"' in pattern]
    every = [operation for _, _, operation in operations(document)]
    every += [webhook["post"] for webhook in document["webhooks"].values()]
    assert all(operation["description"] for operation in every)


def test_what_needs_64_bits_says_so(document: dict[str, Any]) -> None:
    large = [
        found
        for found in schemas_in(document)
        if found.get("type") == "integer"
        and (found.get("maximum", 0) >= 2**31 or str(found.get("description", "")).startswith("Unix seconds"))
    ]
    assert len(large) > 50
    assert [found for found in large if found.get("format") != "int64"] == []
    assert document["components"]["headers"]["X-RateLimit-Reset"]["schema"]["format"] == "int64"


def test_a_choice_of_shapes_can_be_named_in_every_language(document: dict[str, Any]) -> None:
    inputs = document["components"]["schemas"]
    shapes = [tuple(one) for one in inputs["IntentInput"]["properties"]["payment_method"]["anyOf"]]
    assert shapes == [("type", "pattern", "description"), ("$ref",), ("type",)]
    inside = [one for found in schemas_in(document) for one in found.get("anyOf", ()) if one.get("type") == "object"]
    assert inside
    assert [one for one in inside if one["additionalProperties"]["type"] != "string"] == []


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document that looks like a schema, examples left out."""
    if isinstance(value, dict):
        yield value
        yield from (found for name, inner in value.items() if name != "example" for found in schemas_in(inner))
    elif isinstance(value, list):
        yield from (found for inner in value for found in schemas_in(inner))


def test_the_example_of_a_link_works_for_years(shared_shop: Shop, document: dict[str, Any]) -> None:
    for version in (1, 2):
        operation = document["paths"][f"/api/v{version}/payment_links"]["post"]
        assert (
            shared_shop.post(
                f"/api/v{version}/payment_links", operation["requestBody"]["content"][JSON]["example"]
            ).status_code
            == 201
        )


@pytest.mark.parametrize(("version", "name"), [(1, "PaymentLink"), (2, "PaymentLinkV2")])
def test_a_payment_link_is_as_it_is_told(document: dict[str, Any], shared_shop: Shop, version: int, name: str) -> None:
    item = {"name": "Wax", "amount": 5000, "adjustableQuantity": {"maximum": 3}}
    whole = {"lineItems": [item], "customFields": [factories.custom_field("size", "dropdown")]}
    path = f"/api/v{version}/payment_links"
    link = shared_shop.post(path, whole if version == 2 else {"amount": 500}).json
    strict(document, {"$ref": f"#/components/schemas/{name}"}).validate(link)
    field = "paymentLinkV2Id" if version == 2 else "paymentLinkId"
    session = shared_shop.post(SESSIONS, {field: link["id"]}).json
    strict(document, {"$ref": "#/components/schemas/CheckoutSession"}).validate(session)


@pytest.mark.parametrize(
    ("ending", "flow", "kind"),
    [
        ("500", None, "mobile_money_ussd"),
        ("009", None, "mobile_money_otp"),
        ("010", None, "redirect_to_url"),
        ("500", "qr", "display_qr_code"),
    ],
)
def test_every_kind_of_next_action_is_as_it_is_told(
    document: dict[str, Any], shared_shop: Shop, ending: str, flow: str | None, kind: str
) -> None:
    method = {
        "operator": "wave_sn" if flow else "orange_sn",
        "phone_number": f"+221771234{ending}",
        "preferred_flow": flow,
    }
    payment = {"payment_method": {"type": "mobile_money", "mobile_money": method}}
    view = shared_shop.client.post(f"/api/checkout/{shared_shop.opened()['id']}/pay", json=payment).json
    strict(document, {"$ref": "#/components/schemas/PublicCheckout"}).validate(view)
    if view["next_action"] is not None:
        assert view["next_action"]["type"] == kind


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_command_prints_it(database_url: str, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]) -> None:
    monkeypatch.setenv("IKAWAARI_DATABASE_URL", database_url)
    monkeypatch.setenv("IKAWAARI_SECRET_KEY", "x" * 32)
    result = CliRunner().invoke(cli.main, ["openapi"])
    assert json.loads(result.stdout)["paths"] == document["paths"]


def test_the_document_names_its_server_and_no_machine(document: dict[str, Any]) -> None:
    assert document["servers"][0]["url"] == "http://localhost"
    assert str(Path(__file__).parents[2]) not in json.dumps(document)


def test_many_who_ask_first_get_the_same_document(shared_app: Flask) -> None:
    shared_app.extensions.pop("ikawaari-openapi", None)
    answers: list[Answer] = together(6, lambda _: shared_app.test_client().get("/openapi.json"))
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, answers[0].data)}
