"""The domain names its own fields, and each edge translates them once."""

from dataclasses import fields

import pytest

from ikawaari import errors
from ikawaari.checkout.links import NewLink
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.sessions import NewSession
from ikawaari.edge import naming
from ikawaari.errors import Conflict, ValidationFailed
from ikawaari.hosted import drafts
from ikawaari.hosted.drafts import Draft
from ikawaari.merchant_api.schemas.payment_links import PaymentLinkInput, PaymentLinkV2Input
from ikawaari.merchant_api.schemas.sessions import CheckoutSessionInput

PAYMENT = {field.name for field in fields(PayRequest)} | {"payment_method"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("payment_method", "payment_method"),
        ("phone_number", "payment_method.mobile_money.phone_number"),
        ("card_token", "payment_method.card.token"),
        ("customer.email", "collected.customerDetails.email"),
        ("custom_fields.a.b_c", "collected.customFields.a.b_c"),
        ("quantities.0", "collected.quantities.0"),
        ("agreed_total", "agreed_total"),
    ],
)
def test_a_field_of_a_payment_has_its_path_in_the_body(name: str, path: str) -> None:
    assert naming.payment(name) == path


def test_what_is_translated_is_a_field_of_the_domain() -> None:
    assert set(naming._PAYMENT) <= PAYMENT
    assert {name.partition(".")[0] for name in (*drafts._FAULTS, *drafts._PREFIXES)} <= PAYMENT


def test_the_page_knows_its_own_fields_among_those_of_the_domain() -> None:
    blamed = Draft().blame({"custom_fields.size": ["x"], "quantities.1": ["x"], "customer.email": ["x"], "odd": ["x"]})
    assert blamed.faults == ("field.size", "quantity.1", "email", "form")


@pytest.mark.parametrize("schema", [CheckoutSessionInput, PaymentLinkInput, PaymentLinkV2Input])
def test_a_field_of_a_request_is_that_of_the_domain_in_camel_case(
    schema: type[CheckoutSessionInput | PaymentLinkInput | PaymentLinkV2Input],
) -> None:
    domain = {field.name for kind in (NewSession, NewLink) for field in fields(kind)}
    for name, field in schema().fields.items():
        assert (field.data_key or name) == naming.camel(name)
        assert naming.snake(naming.camel(name)) == name
        assert name in domain | {"is_single_use"}


def test_the_error_is_the_same_but_for_its_names() -> None:
    with pytest.raises(ValidationFailed) as refusal, naming.fields_named(naming.camel):
        raise ValidationFailed({"line_items.0.currency": ["is wrong"]}, errors.PAYMENT_INVALID)
    assert refusal.value.row is errors.PAYMENT_INVALID
    assert refusal.value.details == {"lineItems.0.currency": ["is wrong"]}
    assert refusal.value.message == "lineItems.0.currency: is wrong"


def test_another_error_is_left_alone() -> None:
    with pytest.raises(Conflict) as refusal, naming.fields_named(naming.camel):
        raise Conflict(errors.STATE_FORBIDS, details={"a_b": ["c"]})
    assert refusal.value.details == {"a_b": ["c"]}
