"""`mixvllm gpus --for`: would a model fit on the GPUs of this machine, and on which of them."""

from __future__ import annotations

from pathlib import Path

from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.settings import resolve_settings
from mixvllm.gpus.device import Inventory
from mixvllm.models.find import find_model
from mixvllm.render.placement import placement_as_json, placement_view
from mixvllm.settings.resolve import require_model
from mixvllm.sizing.placement import place
from mixvllm.sizing.present import as_present
from mixvllm.sizing.request import Choices, estimate_request

CONFIG_SUFFIXES = (".yaml", ".yml")


def answer_for(invocation: Invocation, what: str, inventory: Inventory) -> int:
    """Tell where a config file or a model fits; 3 where it does not.

    Raises:
        SettingsError: the file, or a setting of another layer, is wrong.
        ModelError: there is no such model.
        EstimateError: vLLM would refuse the settings, or what they ask for is not modelled.
    """
    is_config = what.endswith(CONFIG_SUFFIXES)
    config, model = (Path(what), None) if is_config else (None, what)
    settings = resolve_settings(invocation, [], config, None, model).settings
    revision = settings.model.revision
    found = find_model(require_model(settings, "gpus"), revision=revision)
    request = estimate_request(settings, Choices())
    placement = place(found, request, as_present(inventory), revision)
    view = placement_view(placement, inventory)
    invocation.output.answer(view, placement_as_json(placement, inventory))
    return ExitStatus.DONE if placement.taken else ExitStatus.NO
