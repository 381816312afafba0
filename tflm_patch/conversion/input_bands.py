# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that take their input in bands of rows, one for each invocation.

The stage that reads the input keeps its workspace between invocations, so
nothing may run before it, and it must be the input's only reader.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model, Subgraph
from tflm_patch.planner.ir.stage_graph import StageGraph
from tflm_patch.planner.lowering.partition import Partition
from tflm_patch.planner.rewrites.feed import feed_by_bands


@dataclasses.dataclass(frozen=True)
class Bands:
  """The input that is fed by bands.

  Attributes:
    tensor: The model's input.
    rows: Of a band.
    frame_rows: Of the whole input.
    region: The operators of the stage that reads it.
  """

  tensor: int
  rows: int
  frame_rows: int
  region: tuple[int, ...]

  def refusal(self, reason: str) -> TflmPatchError:
    """The error for a stage that cannot take such rows."""
    return refusal(reason)

  def feed(self, graph: StageGraph) -> StageGraph:
    """The stage's graph, fed so.

    Raises:
      TflmPatchError: the stage does not see the input's rows as rows.
    """
    for position, m in enumerate(graph.inputs):
      if graph.maps[m].tensor == self.tensor and graph.maps[m].rows == self.frame_rows:
        return self.feed_at(graph, position)
    raise self.refusal('the stage does not see the rows of the input as rows')

  def feed_at(self, graph: StageGraph, position: int) -> StageGraph:
    """The same for the input at a position of `graph.inputs`."""
    return feed_by_bands(graph, position, self.rows)


def refusal(reason: str) -> TflmPatchError:
  """The error for a model whose input cannot be fed by rows."""
  return TflmPatchError(f'--input-rows: {reason}; convert without it')


def plan_bands(subgraph: Subgraph, parts: Partition, rows: int) -> Bands:
  """Checks that the model's input can be fed by bands of `rows` rows.

  Raises:
    TflmPatchError: it cannot.
  """
  if len(subgraph.inputs) != 1:
    raise refusal(f'the model has {len(subgraph.inputs)} inputs, bands are for one')
  tensor = subgraph.inputs[0]
  shape = subgraph.tensors[tensor].shape
  if len(shape) not in (3, 4):
    raise refusal(
      f'the input {list(shape)} has no rows, it is neither [1, height, width, channels] nor '
      '[1, steps, values]'
    )
  if rows > shape[1] or shape[1] % rows:
    divisors = [n for n in range(1, shape[1] + 1) if shape[1] % n == 0]
    raise TflmPatchError(
      f'--input-rows {rows} does not divide the {shape[1]} rows of the input; '
      f'use one of {", ".join(map(str, divisors))}'
    )
  return Bands(tensor, rows, shape[1], region_of_input(subgraph, parts, tensor, refusal))


def region_of_input(
  subgraph: Subgraph, parts: Partition, tensor: int, refusal: Callable[[str], TflmPatchError]
) -> tuple[int, ...]:
  """The only region that reads the model's input, before which nothing runs.

  Raises:
    TflmPatchError: there is none; made by `refusal`.
  """
  readers = {i for i, op in enumerate(subgraph.operators) if tensor in op.inputs}
  if tensor in subgraph.outputs or not readers:
    raise refusal('the input is an output, too' if readers else 'nothing reads the input')
  for region in parts.regions:
    if readers <= set(region):
      break
  else:
    index = min(readers)
    violation = parts.violations.get(index)
    reason = 'several stages read it' if violation is None else str(violation)
    raise refusal(f'the input is read outside of a single stage, by operator {index} ({reason})')
  for index in range(region[0]):
    if index not in region:
      raise refusal(f'operator {index}, {subgraph.operators[index].opcode}, runs before the stage')
  return region


def with_band_input(model: Model, bands: Bands) -> Model:
  """The model with the band's shape as its input's."""
  tensors = list(model.main.tensors)
  tensor = tensors[bands.tensor]
  shape = (tensor.shape[0], bands.rows, *tensor.shape[2:])
  tensors[bands.tensor] = dataclasses.replace(tensor, shape=shape)
  main = dataclasses.replace(model.main, tensors=tensors)
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])
