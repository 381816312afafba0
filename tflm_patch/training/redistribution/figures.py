# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a spec costs when its first blocks are run by patches, or streamed."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch.analysis.patch_stage import PatchStage, best_depth, patch_stage
from tflm_patch.analysis.receptive_field import SpatialGraph, fields, spatial_graph
from tflm_patch.architecture.graph_builder import to_graph
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Head, Spec
from tflm_patch.conversion.spec_engine import requirements_of
from tflm_patch.errors import TflmPatchError

Grid = tuple[int, int]
_NO_HEAD = Head('none', classes=0)
_WINDOWED = ('CONV_2D', 'DEPTHWISE_CONV_2D', 'MAX_POOL_2D', 'AVERAGE_POOL_2D')


@dataclasses.dataclass(frozen=True)
class Figures:
  """Costs of a spec.

  Overheads are told in both ways of `analysis.patch_stage.PatchStage`: of equal patches,
  padding counted, and of patches without what lies outside of the image.

  Attributes:
    blocks: Of the stage.
    receptive_field: Rows and columns of the image that an output cell of the stage sees.
    patch: Rows and columns of the image that a patch sees.
    halo: What of them lies beyond its own.
    stage_overhead, stage_overhead_exact: Extra MACs of the stage, as a part of its own.
    network_overhead, network_overhead_exact: The same as a part of the network's.
    line_buffer_bytes: See `line_buffer_bytes`.
    arena: Bytes, of the converted model, by the constraint engine.
    macs: Of the network, without overhead.
  """

  blocks: int
  receptive_field: tuple[int | None, int | None]
  patch: tuple[int, int]
  halo: tuple[int, int]
  stage_overhead: float
  stage_overhead_exact: float
  network_overhead: float
  network_overhead_exact: float
  line_buffer_bytes: int
  arena: int
  macs: int

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return dataclasses.asdict(self)


def stage_blocks(spec: Spec, grid: Grid) -> int:
  """How many blocks the patch stage of the lowest peak holds.

  Raises:
    TflmPatchError: the network has no stage that the grid fits.
  """
  depth = best_depth(_spatial(spec), grid).depth
  blocks, layers = 0, 0
  for fragment in network_of(spec).fragments[: len(spec.blocks)]:
    layers += len(fragment.layers)
    if layers > depth:
      break
    blocks += 1
  if not blocks:
    raise TflmPatchError('the patch stage would end within the first block; name blocks')
  return blocks


def figures_of(spec: Spec, blocks: int, grid: Grid) -> Figures:
  """All figures of a spec whose first blocks are the stage.

  Raises:
    TflmPatchError: the stage holds what no patch can compute, or is smaller than the grid.
  """
  graph = _spatial(spec)
  depth = len(stage_layers(spec, blocks))
  stage = patch_stage(graph, depth, grid)
  return Figures(
    blocks=blocks,
    receptive_field=fields(graph)[depth - 1].field,
    patch=stage.patch,
    halo=stage.halo,
    stage_overhead=stage.stage_overhead(False),
    stage_overhead_exact=stage.stage_overhead(True),
    network_overhead=stage.network_overhead(False),
    network_overhead_exact=stage.network_overhead(True),
    line_buffer_bytes=line_buffer_bytes(spec, blocks),
    arena=requirements_of(spec).arena.total,
    macs=stage.network_macs,
  )


def stage_of(spec: Spec, blocks: int, grid: Grid) -> PatchStage:
  """The patch stage of the first blocks alone; the rest of the network is not looked at."""
  alone = dataclasses.replace(spec, blocks=spec.blocks[:blocks], head=_NO_HEAD)
  graph = _spatial(alone)
  return patch_stage(graph, len(graph.ops), grid)


def line_buffer_bytes(spec: Spec, blocks: int) -> int:
  """Rows that the windows of the stage keep of the maps they read, in bytes of int8.

  The sum of kernel rows x columns x channels; a schedule shares and splits some of it.
  """
  total = 0
  alone = dataclasses.replace(spec, blocks=spec.blocks[:blocks], head=_NO_HEAD)
  network = network_of(alone)
  values = network.values()
  for layer in network.layers():
    source = values[layer.inputs[0]]
    if layer.opcode in _WINDOWED and layer.kernel[0] > 1:
      total += min(layer.kernel[0], source.size[0]) * source.size[1] * source.channels
  return total


def stage_layers(spec: Spec, blocks: int) -> list[Any]:
  """The layers of the first blocks.

  Raises:
    TflmPatchError: there are not so many blocks.
  """
  if not 1 <= blocks <= len(spec.blocks):
    raise TflmPatchError(f'{blocks} blocks of a spec that has {len(spec.blocks)}')
  fragments = network_of(spec).fragments[:blocks]
  return [layer for fragment in fragments for layer in fragment.layers]


def macs_of(spec: Spec) -> int:
  """Multiply-accumulates of an inference."""
  return sum(op.macs for op in _spatial(spec).ops)


def _spatial(spec: Spec) -> SpatialGraph:
  graph = spatial_graph(to_graph(spec))
  if graph is None:
    raise TflmPatchError('the input has neither rows nor columns: there are no receptive fields')
  return graph
