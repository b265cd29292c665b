"""How a group's weights are spread over the layers, for pipeline stages that have some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import gcd

from mixvllm.models.weights.groups import LayerShares, WeightGroup


def layer_shares(sizes: Mapping[WeightGroup, Sequence[int]], count: int) -> LayerShares | None:
    """The groups whose layers differ, as runs of a number of layers and their relative size.

    Args:
        sizes: By group the sizes of its layers; a list that is not one a layer is left out.
        count: Decoder layers.
    """
    shares: dict[WeightGroup, list[list[int]]] = {}
    for group, each in sizes.items():
        if len(each) == count and len(set(each)) > 1:
            unit = gcd(*each)
            shares[group] = [[len(list(run)), size // unit] for size, run in groupby(each)]
    return shares or None
