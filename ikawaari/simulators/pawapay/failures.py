"""pawaPay's failure codes at the door, and the answers that carry them."""

from ikawaari.simulators.shapes import Body
from ikawaari.simulators.web import Answer, Request, in_json

# The statuses of codes that are not answered with 200 and REJECTED.
_STATUSES = {
    "NO_AUTHENTICATION": 401,
    "AUTHENTICATION_ERROR": 403,
    "AUTHORISATION_ERROR": 403,
    "HTTP_SIGNATURE_ERROR": 403,
    "DEPOSITS_NOT_ALLOWED": 403,
    "REFUNDS_NOT_ALLOWED": 403,
    "INVALID_INPUT": 400,
    "MISSING_PARAMETER": 400,
    "UNSUPPORTED_PARAMETER": 400,
    "INVALID_PARAMETER": 400,
    "DUPLICATE_METADATA_FIELD": 400,
}


class Rejected(Exception):
    """A request is refused with a failure code; nothing was started."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code, self.message = code, message

    def answer(self, **ids: str) -> Answer:
        """The answer; `ids` name what was refused."""
        return in_json({**ids, "status": "REJECTED", "failureReason": self.reason()}, _STATUSES.get(self.code, 200))

    def answer_of_version_1(self, **ids: str) -> Answer:
        """The same in the words of version 1, which some refunds still use."""
        reason = {"rejectionCode": self.code, "rejectionMessage": self.message}
        return in_json({**ids, "status": "REJECTED", "rejectionReason": reason}, _STATUSES.get(self.code, 200))

    def reason(self) -> dict[str, str]:
        """The code and its message."""
        return failure_reason(self.code, self.message)


def failure_reason(code: str, message: str = "") -> dict[str, str]:
    """`failureReason`, as answers, look-ups and callbacks hold it."""
    return {"failureCode": code, "failureMessage": message or code.replace("_", " ").capitalize() + "."}


def server_error() -> Answer:
    """500: nobody can tell whether anything was started."""
    return in_json({"failureReason": failure_reason("UNKNOWN_ERROR", "Unable to process request.")}, 500)


def json_object(request: Request) -> Body:
    """The body. Raises Rejected."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Rejected("INVALID_INPUT", "We were unable to parse the body of the request.")
    return given
