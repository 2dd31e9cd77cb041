"""Pays with openapi-generator's Python client: `python pay.py URL KEY` prints the session's id."""

import sys
import time

import ikawaari_client as api  # type: ignore[import-not-found]


def main(url: str, key: str) -> None:
    """One payment by mobile money, and the events that tell of it."""
    client = api.ApiClient(api.Configuration(host=url, access_token=key))
    sessions, events = api.CheckoutSessionsApi(client), api.EventsApi(client)
    body = api.CheckoutSessionInput(amount=5000, currency="XOF", metadata={"order": 1042})
    session_id = sessions.create_checkout_session(idempotency_key="order-1042", checkout_session_input=body).id
    wallet = api.MobileMoneyInput(operator="orange_sn", phone_number="+221771234500")
    method = api.PaymentMethodInput(type="mobile_money", mobile_money=wallet)
    api.PublicCheckoutApi(client).pay_checkout(session_id, api.PaymentInput(payment_method=method))
    while sessions.retrieve_checkout_session(session_id).payment_status != "paid":
        time.sleep(0.1)
    listed = events.list_events(type="checkout.session.completed")
    event = events.retrieve_event(listed.data[0].id)
    events.redeliver_event(event.id)
    events.redeliver_events(api.RangeInput(created_gte=event.created, created_lte=event.created))
    print(session_id)


main(*sys.argv[1:])
