# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A convolution whose map is only summed up, some of its channels at a time.

The last convolution of a classifier is wide, and all that becomes of it is a mean a channel:
a row of the map and an int32 a channel bound the memory. Channels do not know of each
other: for some of them at a time a row and sums are shorter, and the narrower input is
read once for each part. Nothing is computed twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import (
  FeatureMap,
  MapRole,
  StageGraph,
  StageOp,
  without_unused_maps,
)
from tflm_patch.planner.schedule import order
from tflm_patch.program.fields import Array, Deferred
from tflm_patch.program.params import ConvParams, MeanParams
from tflm_patch.program.records import Kind

# Channels of a part: kernels make so many at a time.
_CHANNELS = 4


@dataclasses.dataclass(frozen=True)
class ChannelSplit:
  """A convolution and the mean behind it, which nobody else reads.

  Attributes:
    name: Of the convolution.
    conv, mean: Their indices.
  """

  name: str
  conv: int
  mean: int


def find_splits(graph: StageGraph) -> list[ChannelSplit]:
  """Those of a stage, in its order."""
  return [split for i in range(len(graph.ops)) for split in _splits_of(graph, i)]


def _splits_of(graph: StageGraph, i: int) -> Iterator[ChannelSplit]:
  op = graph.ops[i]
  if op.kind != Kind.CONV_2D or len(op.inputs) != 1:
    return
  made = graph.maps[op.outputs[0]]
  readers = order.consumers(graph).get(op.outputs[0], ())
  if made.role is not MapRole.INTERNAL or made.view is not None or len(readers) != 1:
    return
  assert isinstance(op.params, ConvParams)
  mean = graph.ops[readers[0]]
  target = graph.maps[mean.outputs[0]]
  is_mean = mean.kind == Kind.MEAN and mean.accumulates and isinstance(mean.params, MeanParams)
  if not is_mean or op.params.groups != 1 or target.shape != (1, 1, made.channels):
    return
  if target.view is None and made.channels >= 2 * _CHANNELS:
    yield ChannelSplit(op.name, i, readers[0])


def split_channels(graph: StageGraph, parts: Mapping[str, int]) -> StageGraph:
  """A graph in which convolutions and their means run part by part.

  Args:
    graph: The stage.
    parts: By the name of the convolution, how many; those that the graph does not have are
      left out.
  """
  wanted = {
    split.mean: (split, parts[split.name])
    for split in find_splits(graph)
    if parts.get(split.name, 1) > 1
  }
  gone = {split.conv for split, _ in wanted.values()}
  maps = list(graph.maps)
  ops: list[StageOp] = []
  for i, op in enumerate(graph.ops):
    if i in wanted:
      split, count = wanted[i]
      ops += _parts(graph, split, count, maps)
    elif i not in gone:
      ops.append(op)
  return without_unused_maps(StageGraph(tuple(maps), tuple(ops), graph.inputs, graph.outputs))


def _parts(
  graph: StageGraph, split: ChannelSplit, count: int, maps: list[FeatureMap]
) -> Iterator[StageOp]:
  """Convolution and mean of each part, and what joins the vectors; adds their maps."""
  conv, mean = graph.ops[split.conv], graph.ops[split.mean]
  made, target = graph.maps[conv.outputs[0]], graph.maps[mean.outputs[0]]
  channels = made.channels
  size = -(-channels // (count * _CHANNELS)) * _CHANNELS
  vectors = []
  for first in range(0, channels, size):
    end = min(first + size, channels)
    which = f'channels {first} to {end - 1}'
    for whole in (made, target):
      name = f'{whole.name}, {which}'
      part = dataclasses.replace(
        whole, name=name, channels=end - first, role=MapRole.INTERNAL, view=None
      )
      maps.append(part)
    of_conv, vector = len(maps) - 2, len(maps) - 1
    vectors.append(vector)
    assert isinstance(conv.params, ConvParams)
    yield dataclasses.replace(
      conv,
      name=f'{conv.name}, {which}',
      outputs=(of_conv,),
      params=_params(conv.params, first, end),
      macs=conv.macs * (end - first) // channels,
      in_place=(),
    )
    yield dataclasses.replace(
      mean,
      name=f'{mean.name}, {which}',
      inputs=(of_conv,),
      outputs=(vector,),
      scratch_bytes=mean.scratch_bytes * (end - first) // channels,
    )
  yield StageOp(
    kind=Kind.CONCATENATION,
    name=f'{mean.name}, joined',
    inputs=tuple(vectors),
    outputs=mean.outputs,
    steps=1,
    reads=tuple(rows.same_row(1, 1) for _ in vectors),
    graph_ops=mean.graph_ops,
  )


def _params(params: ConvParams, first: int, end: int) -> ConvParams:
  """Of output channels [first, end)."""
  requant = params.requant
  if requant.per_channel:
    requant = dataclasses.replace(
      requant,
      multipliers=_slice(requant.multipliers, first, end),
      shifts=_slice(requant.shifts, first, end),
    )
  return dataclasses.replace(
    params,
    requant=requant,
    weights=_slice(params.weights, first, end),
    bias=_slice(params.bias, first, end),
  )


def _slice(values: Array | None, first: int, end: int) -> Array:
  assert values is not None

  def part() -> np.ndarray:
    whole = values.get() if isinstance(values, Deferred) else values
    return np.ascontiguousarray(whole[first:end])

  return Deferred(part)
