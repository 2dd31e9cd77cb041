"""What the domain knows of providers: results, actions and failures, and the values that it gives them."""

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, RefundElsewhere, Report
from ikawaari.providers.outcomes import (
    LONGEST_WORD,
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    SavedMethod,
    cleaned,
    refused,
    unknown,
)
from ikawaari.providers.provider import Decider, Provider, Verb
from ikawaari.providers.values import Account, Charge, Flow, RefundOrder

__all__ = [
    "LONGEST_WORD",
    "Account",
    "Action",
    "ActionKind",
    "CallbackRefused",
    "CallbackRequest",
    "Charge",
    "Decider",
    "FailureCode",
    "Flow",
    "Hint",
    "Outcome",
    "Provider",
    "RefundElsewhere",
    "RefundOrder",
    "Report",
    "Result",
    "SavedMethod",
    "Verb",
    "cleaned",
    "refused",
    "unknown",
]
