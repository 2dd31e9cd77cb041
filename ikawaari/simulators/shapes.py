"""The shapes of the JSON that simulators read, keep and write."""

from collections.abc import Mapping, Sequence
from typing import Any

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
"""An object of the provider's API that is only sent on."""
Body = Mapping[str, JsonValue]
"""The object in a request, as its caller sent it: a field that is used is checked first."""
Checked = Mapping[str, Any]
"""The fields of a request in which the rules found nothing wrong: each has the type that its rule asks for."""
Json = dict[str, Any]
"""An object of the provider that the simulator keeps and changes, or still adds to before it answers."""
