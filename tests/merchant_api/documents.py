"""Reading the OpenAPI document, and holding what is really said against it."""

import copy
from collections.abc import Iterator
from typing import Any

from openapi_schema_validator import OAS31Validator

METHODS = {"get", "post", "put", "patch", "delete"}
JSON = "application/json"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield method.upper(), path, item[method]


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What `node` refers to, or itself."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def strict(document: dict[str, Any], schema: dict[str, Any]) -> OAS31Validator:
    """A validator that also refuses fields which the document does not tell of."""
    closed = copy.deepcopy(document["components"])
    for component in closed["schemas"].values():
        if "properties" in component:
            component.setdefault("additionalProperties", False)
    return OAS31Validator({"components": closed} | schema)
