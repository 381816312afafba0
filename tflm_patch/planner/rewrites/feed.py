# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A stage whose input comes in bands of rows instead of as a whole frame."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.planner.ir import rows
from tflm_patch.planner.ir.stage_graph import FeatureMap, MapRole, StageGraph, StageOp
from tflm_patch.planner.lowering.builder import NotStageable
from tflm_patch.program import records as program
from tflm_patch.program.kinds import Role


def feed_by_bands(graph: StageGraph, position: int, band_rows: int) -> StageGraph:
  """Puts a FEED operator in front of a stage.

  Args:
    graph: The stage.
    position: Of the input, in graph.inputs.
    band_rows: Rows of a band; a divisor of the input's rows.

  Returns:
    A stage whose input at `position` is a band, and whose first operator
    copies its rows into what was the input.

  Raises:
    NotStageable: the bands do not divide the frame.
  """
  frame = graph.inputs[position]
  source = graph.maps[frame]
  if source.rows % band_rows:
    raise NotStageable(f'bands of {band_rows} rows do not divide {source.rows} rows')
  band = dataclasses.replace(source, rows=band_rows)
  maps: list[FeatureMap] = [*graph.maps, band]
  maps[frame] = dataclasses.replace(source, role=MapRole.INTERNAL, name=f'{source.name}/frame')
  inputs = list(graph.inputs)
  inputs[position] = len(maps) - 1
  feed = StageOp(
    kind=program.Kind.FEED,
    name='FEED',
    inputs=(inputs[position],),
    outputs=(frame,),
    steps=source.rows,
    reads=(rows.listed_rows(np.arange(source.rows) % band_rows),),
  )
  return StageGraph(tuple(maps), (feed, *graph.ops), tuple(inputs), graph.outputs)


def band_rows(graph: StageGraph) -> int | None:
  """Rows of a band, None for a stage that takes the whole frame."""
  for op in graph.ops:
    if op.spec.role is Role.FEED:
      return graph.maps[op.inputs[0]].rows
  return None
