"""Documents on this machine: a model's directory, a single config file, a GGUF file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.errors import ModelError
from mixvllm.models.found import Documents, FoundModel, ModelSource
from mixvllm.models.from_documents import found_in
from mixvllm.models.names import no_model_file
from mixvllm.models.safetensors_header import Tensor, read_file
from mixvllm.models.sources.gguf_model import found_in_gguf

if TYPE_CHECKING:
    from mixvllm.models.sources.hub import HubDocuments

CONFIG = "config.json"
QUANT_CONFIG = "hf_quant_config.json"
INDEX = "model.safetensors.index.json"
# Configs are a few kilobytes; an index of the largest models has some tens of megabytes.
LARGEST_DOCUMENT = 256 * 1024 * 1024


def look_up(name: str) -> FoundModel | None:
    """The model that a path leads to; None where nothing is there.

    Raises:
        ModelError: something is there, but no model that can be read.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return in_directory(path, name, "local directory")
    if not path.is_file():
        return None
    if path.suffix == ".gguf":
        return found_in_gguf(path, name)
    return found_in(documents_of_file(path, name), name, "config file", str(path))


def in_directory(directory: Path, name: str, source: ModelSource) -> FoundModel:
    """The model of a directory with a config.json.

    Raises:
        ModelError: it holds none that can be read.
    """
    return found_in(documents_in(directory), name, source, str(directory))


def documents_in(directory: Path) -> Documents:
    """The documents of a directory with a config.json.

    Raises:
        ModelError: it holds none that can be read.
    """
    config = directory / CONFIG
    if not config.exists():
        raise ModelError(
            f"The directory {directory} has no config.json.",
            hint="Name a directory with config.json in it, or a GGUF file.",
            code="model-incomplete",
        )
    tensors, index_bytes = _weight_files(directory)
    return Documents(read_object(config), _beside(directory / QUANT_CONFIG), tensors, index_bytes)


def documents_of_file(path: Path, name: str) -> Documents:
    """A file taken as a config.json, with ModelOpt's beside it.

    Raises:
        ModelError: it is none.
    """
    if path.suffix != ".json":
        raise no_model_file(name)
    quantized = _beside(path.with_name(f"{path.stem}.{QUANT_CONFIG}"))
    if quantized is None and path.name == CONFIG:
        quantized = _beside(path.with_name(QUANT_CONFIG))
    return Documents(read_object(path), quantized)


def documents_of_hub(fetched: HubDocuments) -> Documents:
    """What the hub gave, read.

    Raises:
        ModelError: a file is no document.
    """
    index = fetched.index
    return Documents(
        read_object(Path(fetched.config)),
        None if fetched.hf_quant_config is None else read_object(Path(fetched.hf_quant_config)),
        fetched.tensors,
        None if index is None else total_size(read_object(Path(index))),
    )


def read_object(path: Path) -> Mapping[str, object]:
    """A JSON file that holds an object.

    Raises:
        ModelError: it cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > LARGEST_DOCUMENT:
            raise ModelError(f"{path} is too large for what it should be.")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {str(error)[:120]}.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold an object.")
    return value


def _beside(path: Path) -> Mapping[str, object] | None:
    return read_object(path) if path.exists() else None


def _weight_files(directory: Path) -> tuple[dict[str, Tensor] | None, int | None]:
    """The tensors of the files that vLLM would load, and the size in the index."""
    index = directory / INDEX
    if index.exists():
        listed = read_object(index)
        files = [directory / name for name in shards(listed, str(index))]
        if not all(file.exists() for file in files):
            return None, total_size(listed)
        return _tensors(files), total_size(listed)
    files = sorted(directory.glob("*.safetensors"))
    own = [file for file in files if not file.name.startswith("consolidated")]
    return (_tensors(own or files) if files else None), None


def shards(index: Mapping[str, object], name: str) -> list[str]:
    """The names of the files that an index lists.

    Raises:
        ModelError: it lists none, or files elsewhere.
    """
    listed = index.get("weight_map")
    if not isinstance(listed, dict) or not all(isinstance(v, str) for v in listed.values()):
        raise ModelError(f"{name} has no `weight_map`.")
    files = sorted(set(listed.values()))
    if any("/" in file or file.startswith(".") for file in files):
        raise ModelError(f"{name} names files outside its directory.")
    return files


def total_size(index: Mapping[str, object]) -> int | None:
    """What an index says that all weights take."""
    metadata = index.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, dict) else None
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    return size if type(size) is int and 0 < size < 1 << 50 else None


def _tensors(files: list[Path]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors.update(read_file(file))
    return tensors
