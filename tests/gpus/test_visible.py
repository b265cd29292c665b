from __future__ import annotations

import pytest

from mixvllm.gpus.device import Gpu, MigSlice
from mixvllm.gpus.visible import as_seen

FOUR = tuple(Gpu(i, uuid=f"GPU-{i}{i}{i}{i}-abcd") for i in range(4))
SLICED = (
    Gpu(
        0,
        uuid="GPU-0000-abcd",
        mig=(
            MigSlice(0, uuid="MIG-aaaa", gpu_instance=1, compute_instance=0),
            MigSlice(1, uuid="MIG-bbbb", gpu_instance=2, compute_instance=0),
        ),
    ),
    Gpu(1, uuid="GPU-1111-abcd", mig=()),
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("0,1", [0, 1]),
        ("2,1", [2, 1]),
        (" 3 , 0 ", [3, 0]),
        ("1gpu,2", [1, 2]),
        ("+1", [1]),
        ("0,2,-1,1", [0, 2]),
        ("0,9,1", [0]),
        ("-1", []),
        ("NoDevFiles", []),
        ("0,,1", [0]),
        ("1,1", []),
        ("GPU-2222-abcd,GPU-0000-abcd", [2, 0]),
        ("GPU-33", [3]),
        ("GPU-", []),
        ("GPU-2222-abcd,0", [2]),
        ("GPU-2222-abcd,GPU-2222", []),
        ("MIG-aaaa", []),
    ],
)
def test_the_variable_chooses_and_orders_the_gpus_as_cuda_reads_it(
    text: str | None, seen: list[int]
) -> None:
    gpus = [gpu for gpu in as_seen(FOUR, text) if gpu.visible_as is not None]
    assert [gpu.index for gpu in sorted(gpus, key=lambda gpu: gpu.visible_as or 0)] == seen
    assert sorted(gpu.visible_as or 0 for gpu in gpus) == list(range(len(seen)))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (None, ["MIG-aaaa"]),
        ("MIG-bbbb", ["MIG-bbbb"]),
        ("MIG-bbbb,MIG-aaaa", ["MIG-bbbb"]),
        ("MIG-GPU-0000-abcd/2/0", ["MIG-bbbb"]),
        ("MIG-GPU-0000-abcd/5/0", []),
        ("0", ["MIG-aaaa"]),
        ("1", []),
        ("GPU-0000-abcd", []),
        ("MIG-cccc", []),
        ("", []),
    ],
)
def test_a_program_sees_one_slice_at_most_and_never_a_divided_gpu(
    text: str | None, seen: list[str]
) -> None:
    gpus = as_seen(SLICED, text)
    assert [gpu.index for gpu in gpus if gpu.visible_as is not None] == []
    slices = [part for gpu in gpus for part in gpu.mig or ()]
    assert [part.uuid for part in slices if part.visible_as is not None] == seen


def test_a_whole_gpu_goes_before_the_slices_of_another() -> None:
    gpus = as_seen((SLICED[0], Gpu(1, uuid="GPU-1111-abcd")), None)
    assert [gpu.visible_as for gpu in gpus] == [None, 0]
    assert [part.visible_as for part in gpus[0].mig or ()] == [None, None]


def test_a_lost_gpu_is_not_seen() -> None:
    gpus = as_seen((Gpu(0, error="lost"), Gpu(1)), None)
    assert [gpu.visible_as for gpu in gpus] == [None, 0]
