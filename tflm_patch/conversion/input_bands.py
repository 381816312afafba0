# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that take their input in bands of rows, one for each invocation.

The stage that reads the input keeps its workspace between invocations, so
nothing may run before it, and it must be the input's only reader.
"""

from __future__ import annotations

import dataclasses

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
  return Bands(tensor, rows, shape[1], region)


def feed(graph: StageGraph, bands: Bands) -> StageGraph:
  """The stage's graph, fed by bands.

  Raises:
    TflmPatchError: the stage does not see the input's rows as rows.
  """
  for position, m in enumerate(graph.inputs):
    if graph.maps[m].tensor == bands.tensor and graph.maps[m].rows == bands.frame_rows:
      return feed_by_bands(graph, position, bands.rows)
  raise refusal('the stage does not see the rows of the input as rows')


def with_band_input(model: Model, bands: Bands) -> Model:
  """The model with the band's shape as its input's."""
  tensors = list(model.main.tensors)
  tensor = tensors[bands.tensor]
  shape = (tensor.shape[0], bands.rows, *tensor.shape[2:])
  tensors[bands.tensor] = dataclasses.replace(tensor, shape=shape)
  main = dataclasses.replace(model.main, tensors=tensors)
  return dataclasses.replace(model, subgraphs=[main, *model.subgraphs[1:]])
