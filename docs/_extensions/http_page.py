"""The HTTP API as a page, from the OpenAPI document that the server serves and that its tests hold the routes to."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

GROUPS = (
    ("Rooms", ("/api/rooms", "/api/rooms/{room}", "/api/rooms/{room}/text", "/api/rooms/{room}/authorship")),
    ("Invite links", ("/api/rooms/{room}/links",)),
    ("Pictures", ("/api/rooms/{room}/assets",)),
    ("Manuscripts", ("/api/rooms/{room}/export", "/api/rooms/{room}/import")),
    ("The jam", ("/api/rooms/{room}/jam",)),
    (
        "History",
        tuple(
            f"/api/rooms/{{room}}/{part}" for part in ("history", "compare", "versions", "restore", "fork")
        ),
    ),
    ("Others", ("",)),
)
"""Title -> the addresses that begin like this; the first that fits."""


def http_page(document: Schema) -> str:
    """Markdown: one section a group, one heading an operation."""
    groups: dict[str, list[str]] = {title: [] for title, _ in GROUPS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups[_group(path)].append(_operation(method.upper(), path, operation, document))
    sections = [f"## {title}\n\n" + "\n".join(parts) for title, parts in groups.items() if parts]
    return "\n".join(sections)


def _group(path: str) -> str:
    for title, beginnings in GROUPS:
        exact = title == "Rooms"
        if any(path == each if exact else path.startswith(each) for each in beginnings):
            return title
    raise ValueError(path)


def _operation(method: str, path: str, operation: Schema, document: Schema) -> str:
    lines = [f"### `{method} {path}`", "", operation["summary"] + ".", "", f"- {_who(operation)}"]
    query = [each for each in operation["parameters"] if each["in"] == "query"]
    lines += [
        f"- query `{each['name']}`{' (needed)' if each['required'] else ''}: {_values(each['schema'])}"
        for each in query
    ]
    if "requestBody" in operation:
        lines += _body(operation["requestBody"]["content"], document)
    lines += [
        f"- answers {status}{_answer(answer)}"
        for status, answer in operation["responses"].items()
        if status != "default"
    ]
    return "\n".join(lines) + "\n"


def _who(operation: Schema) -> str:
    names = [name for each in operation["security"] for name in each]
    if not names:
        return "no token"
    whose = {"room": "a token of the room", "operator": "the operator's token"}
    words = [whose[name] for name in names if name != "session"]
    if "session" in names:
        words.append("the member's session secret in `X-Antiphon-Session`")
    return ", and ".join(words)


def _body(content: Schema, document: Schema) -> list[str]:
    [(media, holder)] = content.items()
    if "$ref" not in holder["schema"]:
        return [f"- body: the file's bytes (`{media}`)"]
    schema = document["components"]["schemas"][holder["schema"]["$ref"].rpartition("/")[2]]
    lines = ["- body, as JSON:"]
    for name, field in schema["properties"].items():
        needed = " (needed)" if name in schema.get("required", ()) else ""
        lines.append(f"    - `{name}`{needed}: {_values(field)}")
    if said := schema.get("description"):
        lines.append(f"    - {said}")
    return lines


def _answer(answer: Schema) -> str:
    if not answer.get("content"):
        return ", nothing more"
    [(media, holder)] = answer["content"].items()
    fields = ", ".join(f"`{name}`" for name in holder["schema"].get("required", ()))
    return f" `{media}`" + (f" with {fields}" if fields else "")


def _values(schema: Schema) -> str:
    """The constraints of a value, in words."""
    if "anyOf" in schema:
        return " or ".join(_values(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        items, most = schema["items"], schema.get("maxItems")
        what = items["$ref"].rpartition("/")[2] if "$ref" in items else _values(items)
        return f"a list of {what}" + (f", at most {most}" if most else "")
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    words = [
        {
            "integer": "a whole number",
            "number": "a number",
            "string": "text",
            "boolean": "true or false",
            "null": "nothing",
        }[schema["type"]]
    ]
    if "exclusiveMinimum" in schema:
        words.append(f"over {schema['exclusiveMinimum']}")
    if "minimum" in schema:
        words.append(f"from {schema['minimum']}")
    if "maximum" in schema:
        words.append(f"to {schema['maximum']:,}")
    if "maxLength" in schema:
        words.append(f"of at most {schema['maxLength']} characters")
    return " ".join(words)
