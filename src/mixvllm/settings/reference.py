"""The reference of all settings, made from the schema, as a config file and as a page.

Both hold for every machine and every supported vLLM; `python -m mixvllm.cli.reference` writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mixvllm.settings.commented_yaml import field_entry, section_heading
from mixvllm.settings.fields import SettingField, all_fields, sections
from mixvllm.settings.json_schema import (
    CHOSEN_BY_VLLM,
    CONFIG_SCHEMA_FILE,
    MODELINE,
    by_plugins,
    choices_of_any_version,
)
from mixvllm.vllm_internals.plugins import PLUGINS

MODEL_FIELD = "model.name"
YAML_HEADER = f"""\
{MODELINE}../docs/{CONFIG_SCHEMA_FILE}
# Every setting at its default; what is commented out is unset, and shows an example.
# Generated from the schema by `python -m mixvllm.cli.reference`; docs/settings.md says more.
"""
YAML_FOOTER = """
# Any other vLLM argument by its own name, passed through.
vllm:
  # tool_call_parser: hermes
  # enable_auto_tool_choice: true
  # limit_mm_per_prompt: {image: 2}

# Sections laid over the rest of the file: `--profile dev` or MIXVLLM_PROFILE picks one.
profiles:
  # dev:
  #   server:
  #     port: 8001
"""

PAGE_HEADER = """\
# Settings

Generated from the schema by `python -m mixvllm.cli.reference`. The same in YAML, to copy from:
[`configs/reference.yaml`](../configs/reference.yaml).

## Where a value comes from

Four layers, the highest first; `mixvllm config show` names the layer of every value.

1. **Environment**: `MIXVLLM_<SECTION>__<FIELD>`, such as `MIXVLLM_SERVER__PORT=9000`. It beats even
   flags; when it does, one line on stderr says so. An unknown `MIXVLLM_*` name is a warning.
   `VLLM_API_KEY` and `VLLM_CPU_KVCACHE_SPACE` count too, below our own names.
2. **Command line**: a flag for every field, and behind `--` any flag of vLLM's own.
3. **YAML**: the file of `MIXVLLM_CONFIG` or `--config`, else `./mixvllm.yaml`.
4. **Defaults**, from the tables below. The model `demo` has some of its own.

- **Short names** (in brackets) are accepted in YAML and in the environment, as `generation` is for
  `generation_defaults`. A name and its short name with different values are an error.
- **`null`** is unset, in YAML and as a flag's or a variable's value: the default holds, whatever
  lower layers say. A variable with no value is ignored.
- **Profiles**: `profiles:` in the file maps a name to partial sections. `--profile NAME` or
  `MIXVLLM_PROFILE` lays one over the rest of the file, below flags and environment.
- Top-level keys that begin with `x-` are ignored: a place for YAML anchors.
- **Counts of tokens** may be written `32k` (32,000) or `32K` (32,768).
- **Editors** check and complete a file whose first line is
  `# yaml-language-server: $schema=` and the way to [`mixvllm.schema.json`](mixvllm.schema.json).
"""
PAGE_FOOTER = """
## `vllm`

Any other argument of vLLM, by its own name, with underscores or hyphens:

```yaml
vllm:
  tool_call_parser: hermes
  enable_auto_tool_choice: true
  limit_mm_per_prompt: {image: 2}
```

Switches take `true` or `false`; lists and mappings are written as such. Names and choices are
checked against the arguments of the installed vLLM; what is a setting above, or belongs to vLLM's
own HTTP server, is refused with the reason. In the environment:
`MIXVLLM_VLLM__TOOL_CALL_PARSER=hermes`, or all at once as JSON in `MIXVLLM_VLLM`. On the command
line: `mixvllm serve MODEL -- --tool-call-parser hermes`.
"""


def reference_yaml() -> str:
    """Every key, each with its meaning and range; valid as it stands."""
    parts = [YAML_HEADER]
    for section in sections():
        parts += ["\n", section_heading(section)]
        for field in _fields(section):
            # A default that depends on the machine is shown as an example.
            default = None if field.info.default_factory else field.info.default
            value = field.example if field.key == MODEL_FIELD else default
            parts.append(field_entry(field, value, _facts(field)))
    return "".join([*parts, YAML_FOOTER])


def settings_page(lessons: Mapping[str, str] | None = None) -> str:
    """A table for each section, and how the layers work.

    Args:
        lessons: The page that explains a setting, by its key.
    """
    parts = [PAGE_HEADER]
    for section, model in sections().items():
        meaning = (model.__doc__ or "").splitlines()[0]
        parts.append(f"\n## `{section}`{_short(_section_aliases(section))}\n\n{meaning}\n\n")
        parts.append(_row("field", "value", "default", "flags", "environment", "meaning"))
        parts.append(_row(*["---"] * 6))
        parts += [_field_row(field, (lessons or {}).get(field.key)) for field in _fields(section)]
        parts += [_vllm_choices(field) for field in _fields(section) if _has_vllm_choices(field)]
    return "".join([*parts, PAGE_FOOTER])


def _fields(section: str) -> list[SettingField]:
    return [field for field in all_fields() if field.section == section]


def _section_aliases(section: str) -> tuple[str, ...]:
    return next(field.section_aliases for field in _fields(section))


def _short(aliases: Iterable[str]) -> str:
    return "".join(f" (`{alias}`)" for alias in aliases)


def _facts(field: SettingField) -> list[str]:
    """Range, short name, and what holds when it is unset; one comment line or none."""
    facts = [field.range_text or ""]
    if field.choices:
        kind = "one of " if field.type_name == " | ".join(field.choices) else "or "
        facts.append(kind + ", ".join(field.choices))
    facts += [f"short name: {alias}" for alias in field.aliases]
    unset = field.info.default is None or field.info.default_factory is not None
    if unset and field.default_text != "unset":
        facts.append(f"unset: {field.default_text}")
    facts = [fact for fact in facts if fact]
    return [f"({'; '.join(facts)})"] if facts else []


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _field_row(field: SettingField, lesson: str | None) -> str:
    names = f"`{field.name}`{_short(field.aliases)}"
    flags = ", ".join(f"`{flag}`" for flag in field.flags)
    if field.is_flag_pair:
        flags += f", `{field.flags[0].replace('--', '--no-', 1)}`"
    example = f"Example: `{_as_yaml(field.example)}`."
    why = [f"[Why]({lesson})."] if lesson else []
    meaning = " ".join((field.description, example, *why))
    environment = f"`{field.environment_name}`"
    return _row(names, _value(field), field.default_text, flags, environment, meaning)


def _value(field: SettingField) -> str:
    """Type and range in words."""
    plain = [name for name in field.type_name.split(" or ") if name != " | ".join(field.choices)]
    choices = ", ".join(f"`{choice}`" for choice in field.choices)
    kinds = [*plain, choices] if choices else plain
    return ", ".join([" or ".join(kinds), *([field.range_text] if field.range_text else [])])


def _has_vllm_choices(field: SettingField) -> bool:
    return field.name in CHOSEN_BY_VLLM


def _vllm_choices(field: SettingField) -> str:
    """The methods and formats that vLLM knows, below the table that names the field."""
    choices = ", ".join(f"`{choice}`" for choice in choices_of_any_version(field.name))
    plugins = ", ".join(f"`{each}` (`{PLUGINS[each].package}`)" for each in by_plugins(field.name))
    more = f" By plugins: {plugins}." if plugins else ""
    return f"\nvLLM's values of `{field.name}`: {choices}.{more}\n"


def _as_yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
