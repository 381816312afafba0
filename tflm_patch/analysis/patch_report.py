# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Receptive fields, and what running a network's first part by patches would cost.

The figures are those of table 1 of MCUNetV2 (arXiv 2110.15352), for any model.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tflm_patch.analysis import patch_stage
from tflm_patch.analysis.analytic_memory import Peak
from tflm_patch.analysis.patch_stage import Grid, PatchStage
from tflm_patch.analysis.receptive_field import OperatorField, SpatialGraph, fields, spatial_graph
from tflm_patch.api import ConvertOptions
from tflm_patch.conversion import plugins
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import read_model
from tflm_patch.graph.types import Model

SCHEMA_VERSION = 1
DEFAULT_GRID = (4, 4)


@dataclasses.dataclass(frozen=True)
class FieldOfOperator:
  """An operator with its receptive field.

  Attributes:
    index: Position in the network, after rewrites such as folded PADs.
    name: As in other reports.
    output_shape: Rows, columns and channels; None where it is no map.
    kernel, stride: Rows and columns; None for operators without a window.
    field: See `OperatorField`.
    macs: Of the whole operator.
    in_stage: It is in the patch stage.
  """

  index: int
  name: str
  output_shape: tuple[int, int, int] | None
  kernel: tuple[int, int] | None
  stride: tuple[int, int] | None
  field: OperatorField
  macs: int
  in_stage: bool


@dataclasses.dataclass(frozen=True)
class ReceptiveFieldReport:
  """Receptive fields of a network and the cost of a patch stage.

  Attributes:
    image: Name of the input that fields are measured on.
    image_shape: Its rows, columns and channels.
    operators: In execution order.
    stage: The patch stage.
    per_layer_peak: Analytic peak without a patch stage, the image included.
    deepest: The most operators that a patch stage of the network may hold.
  """

  image: str
  image_shape: tuple[int, int, int]
  operators: tuple[FieldOfOperator, ...]
  stage: PatchStage
  per_layer_peak: Peak
  deepest: int

  @property
  def causes(self) -> tuple[FieldOfOperator, ...]:
    """Operators of the stage whose kernels make patches overlap, the worst first."""
    found = [row for row in self.operators if row.in_stage and max(row.field.growth) > 0]
    return tuple(sorted(found, key=lambda row: (-sum(row.field.growth), row.index)))

  def to_json(self) -> dict[str, Any]:
    """For machines; fields of None see the whole image."""
    return {
      'schema_version': SCHEMA_VERSION,
      'image': {'name': self.image, 'shape': self.image_shape},
      'operators': [_operator_json(row) for row in self.operators],
      'patch_stage': self._stage_json(),
      'per_layer_peak_bytes': self.per_layer_peak.bytes,
      'causes': [
        {'index': row.index, 'name': row.name, 'growth': row.field.growth} for row in self.causes
      ],
    }

  def _stage_json(self) -> dict[str, Any]:
    stage = self.stage
    counts = {
      name: {
        'macs': macs,
        'stage_overhead': stage.stage_overhead(exact),
        'network_overhead': stage.network_overhead(exact),
      }
      for name, macs, exact in (
        ('uniform', stage.macs_uniform, False),
        ('exact', stage.macs_exact, True),
      )
    }
    return {
      'depth': stage.depth,
      'deepest': self.deepest,
      'grid': stage.grid,
      'tile': stage.tile,
      'patch': stage.patch,
      'halo': stage.halo,
      'macs': stage.macs,
      'network_macs': stage.network_macs,
      **counts,
      'peak_bytes': stage.peak_bytes,
      'stage_peak_bytes': stage.stage_peak.bytes,
      'rest_peak_bytes': stage.rest_peak.bytes,
    }


def receptive_field(
  path: str | os.PathLike[str],
  grid: Grid = DEFAULT_GRID,
  depth: int | None = None,
  options: ConvertOptions | None = None,
) -> ReceptiveFieldReport:
  """Reads a model and reports its receptive fields.

  Args:
    path: A `.tflite` file.
    grid: Rows and columns of patches.
    depth: Operators in the patch stage; None for those that give the lowest peak.
    options: Which rewrites come before, as in `convert`.

  Raises:
    TflmPatchError: the file is no model, none of its inputs is an image, or the
      patch stage is not possible.
  """
  return report(read_model(path), grid, depth, options)


def report(
  model: Model,
  grid: Grid = DEFAULT_GRID,
  depth: int | None = None,
  options: ConvertOptions | None = None,
) -> ReceptiveFieldReport:
  """The report of a model in memory; see `receptive_field`."""
  options = options or ConvertOptions()
  rewrites = plugins.select(options.plugins).rewrites
  context = plugins.Context(int8_io=options.int8_io)
  model, _ = plugins.run_plugins(model, rewrites, context)
  graph = spatial_graph(model)
  if graph is None:
    name = model.source or 'model'
    raise TflmPatchError(f'{name}: no input is an image; receptive fields need rows and columns')
  stage = (
    patch_stage.best_depth(graph, grid)
    if depth is None
    else patch_stage.patch_stage(graph, depth, grid)
  )
  rows = tuple(
    _row(graph, position, field, position < stage.depth)
    for position, field in enumerate(fields(graph))
  )
  return ReceptiveFieldReport(
    image=model.main.tensors[graph.image].name,
    image_shape=graph.shapes[graph.image],
    operators=rows,
    stage=stage,
    per_layer_peak=patch_stage.per_layer_peak(graph),
    deepest=graph.depth,
  )


def _row(
  graph: SpatialGraph, position: int, field: OperatorField, in_stage: bool
) -> FieldOfOperator:
  op = graph.ops[position]
  kernel = stride = None
  for rows, cols in op.windows.values():
    if rows is not None and cols is not None and rows.up == cols.up == 1:
      kernel, stride = (rows.kernel, cols.kernel), (rows.stride, cols.stride)
  return FieldOfOperator(
    index=op.index,
    name=op.name,
    output_shape=graph.shapes.get(op.outputs[0]) if op.outputs else None,
    kernel=kernel,
    stride=stride,
    field=field,
    macs=op.macs,
    in_stage=in_stage,
  )


def _operator_json(row: FieldOfOperator) -> dict[str, Any]:
  return {
    'index': row.index,
    'name': row.name,
    'output_shape': row.output_shape,
    'kernel': row.kernel,
    'stride': row.stride,
    'receptive_field': row.field.field,
    'jump': [float(jump) for jump in row.field.jump],
    'growth': row.field.growth,
    'macs': row.macs,
    'in_stage': row.in_stage,
  }
