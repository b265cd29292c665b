"""The settings as one value."""

from __future__ import annotations

import json

from mixvllm.settings.schema import ServeConfig


def test_what_a_process_of_ours_is_told_are_the_same_settings_with_the_key() -> None:
    given = {"model": "owner/name", "api_key": "hush", "temperature": 0.5, "vllm": {"seed": 7}}
    settings = ServeConfig().merge_cli_args(given)

    told = json.loads(json.dumps(settings.revealed()))

    assert told["server"]["api_key"] == "hush"
    assert ServeConfig.from_layers([told]) == settings
    assert "hush" not in repr(settings)
