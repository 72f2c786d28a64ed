"""Pleo's description of the Export API, to hold requests and answers against.

It is read strictly: a field that it does not name is a mistake here, and so is a status that it
does not list for the operation. What it leaves out (401, 403, 429, 5xx, a request that is wrong)
must at least have the form of its errors.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import yaml

FILE = Path(__file__).parent / "export-api-v3.yaml"
MEDIA_TYPE = "application/json;charset=UTF-8"
#: Statuses that any operation may answer with, though the description is silent on them.
UNDOCUMENTED = {400, 401, 403, 404, 405, 429, 500}

_FORMATS = jsonschema.FormatChecker(["uuid"])


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _strict(node: Any) -> Any:
    """Say in JSON Schema what OpenAPI 3.0 says, and allow no field beside those named."""
    if isinstance(node, list):
        return [_strict(value) for value in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _strict(value) for key, value in node.items() if key != "nullable"}
    if isinstance(node.get("properties"), dict):
        plain.setdefault("additionalProperties", False)
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
_STRICT = _strict(DOCUMENT)


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """Give what is wrong with a value by a schema of the description."""
    validator = jsonschema.Draft202012Validator(
        {**_strict(schema), "components": _STRICT["components"]}, format_checker=_FORMATS
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = DOCUMENT["components"][kind][name]
    return node


def template_of(path: str) -> str:
    """Give the path of the description that a request's path is an instance of."""
    for template in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{[A-Za-z]+\}", "[^/]+", template), path):
            return str(template)
    raise AssertionError(f"the description has no {path}")


def documented() -> set[tuple[str, str, int]]:
    """Give every answer of the description: method, path and status."""
    return {
        (method.upper(), path, int(status))
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
    }


def check(request: httpx.Request, response: httpx.Response) -> tuple[str, str, int]:
    """Hold an answer against the description, and give which one it is."""
    template = template_of(request.url.path)
    operation = DOCUMENT["paths"][template][request.method.lower()]
    _check_query(request, operation)
    wanted = operation["responses"].get(str(response.status_code))
    if wanted is None:
        assert response.status_code in UNDOCUMENTED, response.status_code
        schema = {"$ref": "#/components/schemas/ExceptionInfo"}
    elif "content" not in _resolved(wanted):
        assert response.content == b""
        assert "content-type" not in response.headers
        return request.method, template, response.status_code
    else:
        schema = _resolved(wanted)["content"][MEDIA_TYPE]["schema"]
    assert response.headers["content-type"] == MEDIA_TYPE
    assert problems(response.json(), schema) == []
    return request.method, template, response.status_code


def request_problems(request: httpx.Request) -> list[str]:
    """Give what is wrong with a request by the description: path, query, headers, body."""
    template = template_of(request.url.path)
    operation = DOCUMENT["paths"][template].get(request.method.lower())
    if operation is None:
        return [f"{template} has no {request.method}"]
    declared = [_resolved(one) for one in operation.get("parameters", [])]
    names = dict(zip(re.findall(r"\{([A-Za-z]+)\}", template), _path_values(template, request),
                     strict=True))  # fmt: skip
    given = {("path", name): [value] for name, value in names.items()}
    for name in request.url.params:
        given["query", name] = request.url.params.get_list(name)
    found = []
    for (place, name), values in given.items():
        schema = next(
            (one["schema"] for one in declared if (one["in"], one["name"]) == (place, name)), None
        )
        if schema is None:
            found.append(f"{place} {name} is not described")
            continue
        found += [f"{name}: {one}" for one in problems(_typed(values, schema), schema)]
    return found + _body_problems(request, operation)


def _path_values(template: str, request: httpx.Request) -> tuple[str, ...]:
    pattern = re.sub(r"\{[A-Za-z]+\}", "([^/]+)", template)
    matched = re.fullmatch(pattern, request.url.path)
    assert matched
    return matched.groups()


def _typed(values: list[str], schema: dict[str, Any]) -> Any:
    """Give what stands in a query by its type: text, a number, or a list of texts."""
    if schema.get("type") == "array":
        return values
    if len(values) != 1:
        return values
    is_number = schema.get("type") == "integer" and re.fullmatch("-?[0-9]+", values[0])
    return int(values[0]) if is_number else values[0]


def _body_problems(request: httpx.Request, operation: dict[str, Any]) -> list[str]:
    wanted = operation.get("requestBody")
    if wanted is None:
        return ["a body is not described"] if request.content else []
    found = [] if request.headers["content-type"] == MEDIA_TYPE else ["the type of the body"]
    body = json.loads(request.content)
    return found + problems(body, wanted["content"][MEDIA_TYPE]["schema"])


def _check_query(request: httpx.Request, operation: dict[str, Any]) -> None:
    known = {_resolved(one)["name"] for one in operation.get("parameters", [])}
    assert set(request.url.params) <= known, "the request itself is not by the description"
