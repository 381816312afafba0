# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Inverted bottlenecks backward as one: no gradient of a wide map is ever whole.

An expansion, a depthwise convolution and a projection go backward some channels at a time,
with the same sums in the same order as one by one: the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tflm_patch.codegen import c_text
from tflm_patch.on_device.operators import base
from tflm_patch.on_device.operators.base import Backward, Places, Wanted
from tflm_patch.on_device.operators.conv import Conv
from tflm_patch.on_device.operators.depthwise_conv import DepthwiseConv
from tflm_patch.on_device.operators.weighted import Weighted

CHANNELS = 4  # TFLM_PATCH_BLOCK_CHANNELS


class Step(Protocol):
  """An operator and what it is to make; see `backward_graph.BackwardStep`."""

  @property
  def operator(self) -> Backward: ...

  @property
  def wanted(self) -> Wanted: ...


def length(steps: Sequence[Step]) -> int:
  """How many of some operators, the last one first, go backward as one: 1 to 3."""
  if len(steps) < 2:
    return 1
  project, depthwise = (step.operator for step in steps[:2])
  if not isinstance(depthwise, DepthwiseConv) or steps[0].wanted != Wanted((0,)):
    return 1
  if not _is_pointwise(project) or project.source != depthwise.target:
    return 1
  if not steps[1].wanted.inputs:  # the first that is trained
    return 2
  if len(steps) < 3 or steps[1].wanted != Wanted((0,)):
    return 1
  expand = steps[2].operator
  return 3 if _is_pointwise(expand) and depthwise.source == expand.target else 1


def _is_pointwise(operator: Backward) -> bool:
  if not isinstance(operator, Conv):
    return False
  shape = operator.geometry
  return (
    operator.view.opcode == 'CONV_2D'
    and shape.kernel == shape.stride == (1, 1)
    and shape.pad == (0, 0)
  )


def scratch_bytes(depthwise: Weighted) -> int:
  """Private memory of a block's backward step."""
  shape = depthwise.geometry
  return base.FLOAT_BYTES * (CHANNELS * (shape.cells + shape.source_cells) + shape.cells)


def emit(steps: Sequence[Step], places: Sequence[Places]) -> list[str]:
  """Statements that make the gradient of the block's input, and let its layers learn.

  Args:
    steps: Projection, depthwise convolution, expansion if it goes backward.
    places: Of each.
  """
  layers = {}
  for name, step, at in zip(('project', 'depthwise', 'expand'), steps, places):
    assert isinstance(step.operator, Weighted)
    layers[name] = _layer(step.operator, at)
  project, last = steps[0].operator, steps[-1]
  assert isinstance(project, Conv)
  result = places[-1].gradient(last.operator.source) if last.wanted.inputs else 'NULL'
  args: dict[str, c_text.Value] = {
    **layers,
    'accumulators': places[0].gradient(project.target),
    'result': result,
    'added': int(bool(last.wanted.added)),
    'scratch': places[0].scratch(),
    'update': 'update',
  }
  structure = c_text.structure('tflm_patch_block_args', 'args', args)
  return [
    project.emit_accumulators(places[0]),
    structure[0].removeprefix('static '),
    *structure[1:],
    'tflm_patch_backward_block(&args);',
    *project.emit_weights(places[0]),
    *project.emit_biases(places[0]),
  ]


def _layer(operator: Weighted, at: Places) -> dict[str, c_text.Value]:
  """Fields of tflm_patch_block_layer."""
  scales = operator.scales()
  channels = operator.channels or ()
  values = 'NULL'
  if channels:
    values = at.tensor(operator.source) if operator.gathered is None else at.gathered()
  return {
    'geometry': operator.emit_geometry(at),
    'weights': at.frozen_weights(),
    'trained': operator.emit_layer(at) if operator.update is not None else 'NULL',
    'trains_bias': int(operator.update is not None and operator.update.bias),
    'n_trained': len(channels),
    'channels': operator.emit_channels(at),
    'values': values,
    'mask': at.mask(),
    'scales': at.constant('float', scales, 'scales'),
    'scale_step': int(scales.size > 1),
  }
