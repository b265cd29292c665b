"""The JSON Schema of a config file, for editors: completion, hover texts, marks while typing.

It holds for every supported vLLM and every machine, so that one copy can be committed.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from mixvllm.settings.fields import (
    PASS_THROUGH_SECTION,
    SettingField,
    all_fields,
    section_aliases,
    sections,
)
from mixvllm.settings.file_keys import EXTENSION_PREFIX, PROFILES_KEY
from mixvllm.settings.schema import ServeConfig
from mixvllm.settings.validate import is_pass_through
from mixvllm.vllm_internals.arguments import VERSIONS, Argument, arguments
from mixvllm.vllm_internals.plugins import PLUGINS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONFIG_SCHEMA_FILE = "mixvllm.schema.json"
MODELINE = "# yaml-language-server: $schema="

NULL = {"type": "null"}
# What `32k` and `32K` look like; a plain number needs no text.
TOKEN_COUNT_TEXT = {"type": "string", "pattern": r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?[kKmM]$"}
# pydantic's names for what JSON Schema says otherwise, or does not say at all.
NOT_STANDARD = frozenset({"title", "default", "ge", "format", "writeOnly"})
CHOSEN_BY_VLLM = frozenset({"quantization", "kv_cache_dtype"})

ARGUMENT_KINDS = {
    "vllm_switch": {"type": ["boolean", "null"]},
    "vllm_value": {"type": ["string", "number", "array", "object", "null"]},
    "vllm_not_text": {"type": ["number", "array", "object", "null"]},
}


def config_schema() -> dict[str, Any]:
    """The schema of a config file."""
    parts = {
        written: {"$ref": f"#/$defs/{name}"} for written, name in sorted(section_aliases().items())
    }
    extensions = {f"^{EXTENSION_PREFIX}": True}
    profile = _mapping(
        parts, "Sections laid over the rest of the file.", patternProperties=extensions
    )
    profiles = {
        "description": "Partial settings by name; `--profile NAME` or MIXVLLM_PROFILE picks one.",
        "type": ["object", "null"],
        "additionalProperties": {"$ref": "#/$defs/profile"},
    }
    return {
        "$schema": DIALECT,
        "title": "mixvllm configuration",
        "description": "What is served, how, and where. null is the same as leaving a key out.",
        "type": "object",
        "properties": {**parts, PROFILES_KEY: profiles},
        "patternProperties": extensions,
        "additionalProperties": False,
        "$defs": {
            **{name: _section(name, model) for name, model in sections().items()},
            PASS_THROUGH_SECTION: _pass_through(),
            **ARGUMENT_KINDS,
            "profile": profile,
        },
    }


def schema_text(schema: dict[str, Any]) -> str:
    """The schema as the text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _mapping(properties: dict[str, Any], description: str, **more: Any) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "properties": properties,
        **more,
        "additionalProperties": False,
    }


def _section(name: str, model: type[BaseModel]) -> dict[str, Any]:
    described = model.model_json_schema()["properties"]
    properties = {}
    for field in all_fields():
        if field.section == name:
            schema = _field(field, described[field.name])
            properties[field.name] = schema
            for alias in field.aliases:
                also = f"Short name of `{field.name}`. {field.description}"
                properties[alias] = {**schema, "description": also}
    return _mapping(properties, (model.__doc__ or "").splitlines()[0])


def _field(field: SettingField, described: dict[str, Any]) -> dict[str, Any]:
    """One field: pydantic's facts, null allowed, and what only mixvllm knows about it."""
    members = described.get("anyOf", [described])
    options = [_plain(member) for member in members if member.get("type") != "null"]
    if field.name in CHOSEN_BY_VLLM:
        options = [{"enum": sorted([*choices_of_any_version(field.name), *by_plugins(field.name)])}]
    if field.is_token_count:
        options = [_counted(option) for option in options] + [TOKEN_COUNT_TEXT]
    schema: dict[str, Any] = {"description": field.description, "anyOf": [*options, NULL]}
    if described.get("default") is not None:
        schema["default"] = described["default"]
    schema["examples"] = [field.example]
    return schema


def _plain(member: dict[str, Any]) -> dict[str, Any]:
    """What a value must be, without what describes the field as a whole."""
    about_the_field = {"description", "examples", *NOT_STANDARD}
    return {
        key: value
        for key, value in member.items()
        if key not in about_the_field and not key.startswith("x-")
    }


def _counted(option: dict[str, Any]) -> dict[str, Any]:
    return {**option, "minimum": 1} if option.get("type") == "integer" else option


def _pass_through() -> dict[str, Any]:
    """The arguments of every supported version; hyphens are as good as underscores."""
    known = {
        name: _argument(argument)
        for version in VERSIONS
        for name, argument in arguments(version).items()
        if is_pass_through(name)
    }
    hyphenated: dict[str, list[str]] = {}
    for name, schema in known.items():
        if "_" in name:
            hyphenated.setdefault(json.dumps(schema), []).append(name.replace("_", "[-_]"))
    patterns = {
        f"^({'|'.join(sorted(names))})$": json.loads(schema) for schema, names in hyphenated.items()
    }
    description = str(ServeConfig.model_fields[PASS_THROUGH_SECTION].description)
    return _mapping(dict(sorted(known.items())), description, patternProperties=patterns)


def _argument(argument: Argument) -> dict[str, Any]:
    if argument.kind in ("switch", "switch_on"):
        return {"$ref": "#/$defs/vllm_switch"}
    if argument.choices:
        return {"anyOf": [{"enum": list(argument.choices)}, {"$ref": "#/$defs/vllm_not_text"}]}
    return {"$ref": "#/$defs/vllm_value"}


def choices_of_any_version(argument: str) -> list[str]:
    """The choices of an argument that some supported vLLM takes."""
    return sorted({c for version in VERSIONS for c in arguments(version)[argument].choices})


def by_plugins(argument: str) -> list[str]:
    """The choices of an argument that vLLM takes where a plugin is installed."""
    return sorted(PLUGINS) if argument == "quantization" else []
