"""What ``docs/verbs.toml`` says of the object that a verb prints, held against such an object."""

from __future__ import annotations

from typing import Any

from making.verbs import keys_of, read_keys

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
ERROR = {"error", "kind", "exit_code"}
NO_NUMBERS = {"nan", "inf", "-inf"}


def faults(document: dict[str, Any]) -> list[str]:
    """What in a verb's object is not as it is written down, and what to do."""
    if "exit_code" in document:
        wrong = sorted(set(document) ^ ERROR)
        return [f"{key} of an error is new or missing; docs/making/verbs.py says what it has" for key in wrong]
    verb, known = document["verb"], read_keys()
    wanted = {"verb": "string", "seed": "integer", **keys_of(known, verb)}
    kinds = {key.removesuffix("?"): text.partition(": ")[0].split(" | ") for key, text in wanted.items()}
    lost = [f"{key} is missing" for key in wanted if not key.endswith("?") and key not in document]
    new = [f"{key} is new" for key in document if key not in kinds]
    odd = [
        f"{key} is no {' or '.join(kinds[key])}"
        for key in set(document) & set(kinds)
        if not fits(document[key], kinds[key])
    ]
    return [f"{verb}: {fault}; docs/verbs.toml says what it prints" for fault in (*lost, *new, *odd)]


def fits(value: Any, kinds: list[str]) -> bool:
    """Whether a value is of one of the kinds; truth values are no numbers, and numbers that JSON lacks are texts."""
    if isinstance(value, bool):
        return "boolean" in kinds
    return isinstance(value, tuple(kind for name in kinds for kind in KINDS[name])) or (
        "number" in kinds and value in NO_NUMBERS
    )
