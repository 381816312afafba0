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
from tflm_patch.graph.quantize import zero_point_of
from tflm_patch.on_device import integers
from tflm_patch.on_device.operators import base, clamps
from tflm_patch.on_device.operators.base import Backward, Effort, Places, Wanted
from tflm_patch.on_device.operators.conv import Conv
from tflm_patch.on_device.operators.depthwise_conv import DepthwiseConv
from tflm_patch.on_device.operators.weighted import Weighted, folded_bias, multipliers_of

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
  return operator.view.opcode == 'CONV_2D' and operator.is_pointwise


def scratch_bytes(depthwise: Weighted) -> int:
  """Private memory of a block's backward step."""
  shape = depthwise.geometry
  return base.FLOAT_BYTES * (CHANNELS * (shape.cells + shape.source_cells) + shape.cells)


def is_recomputable(steps: Sequence[Step]) -> bool:
  """Whether the clamps of the wide maps can be computed again from the block's input."""
  if len(steps) != 3:
    return False
  depthwise, expand = steps[1].operator, steps[2].operator
  assert isinstance(depthwise, Weighted) and isinstance(expand, Weighted)
  return depthwise.channels is None and expand.gathered is None


def recomputed_from(step: Step) -> int:
  """The tensor that an operator's clamps are computed again from, if it is in memory."""
  return step.operator.source


def recomputing_bytes(depthwise: Weighted) -> int:
  """Scratch beside `scratch_bytes` to compute clamps again."""
  return sum(_recomputing(depthwise))


def _recomputing(depthwise: Weighted) -> tuple[int, int]:
  """Bytes of a group's values, and of its masks."""
  shape = depthwise.geometry
  words = -(-shape.source_cells // 8) + -(-shape.cells // 8)
  return -(-CHANNELS * shape.source_cells // 4) * 4, 4 * words


def recomputing_effort(steps: Sequence[Step]) -> Effort:
  """What computing clamps again does, as `instructions.FORWARD` names it."""
  depthwise, expand = steps[1].operator, steps[2].operator
  assert isinstance(depthwise, Weighted) and isinstance(expand, Weighted)
  wide, narrow = depthwise.geometry, expand.geometry
  channels = wide.source[2]
  return {
    'apart_macs': wide.source_cells * channels * narrow.source[2],
    'apart_values': (wide.source_cells + wide.cells) * channels,
    'depthwise_apart_macs': wide.cells * wide.taps * channels,
  }


def effort(steps: Sequence[Step]) -> Effort:
  """What a block's backward step does; see `Backward.effort`."""
  project, depthwise = (step.operator for step in steps[:2])
  assert isinstance(project, Conv) and isinstance(depthwise, DepthwiseConv)
  narrow, wide = project.geometry, depthwise.geometry
  macs = narrow.cells * narrow.source[2] * narrow.target[2]
  parts = [
    {
      'clamped': project.view.output().elements,
      'input_macs': macs,
      'input_values': narrow.cells * narrow.source[2],
      'columns': wide.cells * wide.target[2],
      'columns_clamped': wide.cells * wide.target[2],
    },
    project.weight_effort(),
    depthwise.column_effort(),
    *(step.operator.learned for step in steps if isinstance(step.operator, Weighted)),
  ]
  if project.gathered is not None:
    parts.append({'single_macs': narrow.cells * len(project.gathered) * narrow.target[2]})
  if len(steps) == 3:
    parts += [depthwise.input_effort(), *_expansion(steps[2])]
  return base.together(*parts)


def _expansion(step: Step) -> list[Effort]:
  expand = step.operator
  assert isinstance(expand, Conv)
  shape, chosen = expand.geometry, len(expand.channels or ())
  cells = shape.cells * shape.target[2]
  parts = [{'columns_clamped': cells}, expand.weight_effort()]
  if step.wanted.inputs:
    parts.append({'expand_macs': cells * shape.source[2]})
    if expand.gathered is not None:
      parts.append({'expand_single_macs': cells * chosen})
  return parts


def column_bits(steps: Sequence[Step]) -> list[int]:
  """Bits of gradients of integers behind the clamps of the depthwise convolution and expansion."""
  found = []
  for step in steps[1:]:
    operator = step.operator
    assert isinstance(operator, Weighted)
    bits = operator.bits(step.wanted)
    if isinstance(operator, Conv) and step.wanted.inputs:
      bits -= 1  # what another reader has begun, and what groups of other exponents give
    found.append(bits)
  return found


def emit_integer(
  steps: Sequence[Step], places: Sequence[Places], recomputes: bool = False
) -> list[str]:
  """The same as `emit` for gradients of integers."""
  layers: dict[str, c_text.Value] = {}
  names = ('project', 'depthwise', 'expand')
  for name, step, at in zip(names, steps, places):
    assert isinstance(step.operator, Weighted)
    layers[name] = {**_layer(step.operator, at, recomputes), 'scales': 'NULL'}
  for name, bits, step, at in zip(names[1:], column_bits(steps), steps[1:], places[1:]):
    assert isinstance(step.operator, Weighted)
    multipliers, exponent = integers.multipliers(step.operator.scales())
    layers[f'{name}_scales'] = {
      'multipliers': at.constant('int32_t', multipliers, 'gradient_multipliers'),
      'scale_exponent': exponent,
      'bits': bits,
    }
  project, last = steps[0].operator, steps[-1]
  assert isinstance(project, Conv)
  result, exponent_of_result = 'NULL', 'NULL'
  if last.wanted.inputs:
    result = places[-1].gradient(last.operator.source)
    exponent_of_result = places[-1].exponent(last.operator.source)
  args = {
    **layers,
    'accumulators': places[0].gradient(project.target),
    'exponent': places[0].exponent(project.target),
    'result': result,
    'result_exponent': exponent_of_result,
    'added': int(bool(last.wanted.added)),
    'scratch': places[0].scratch(),
    'forward': _emit_forward(steps, places) if recomputes else 'NULL',
    'update': 'update',
  }
  structure = c_text.structure('tflm_patch_integer_block_args', 'args', args)
  return [
    project.emit_integer_accumulators(steps[0].wanted, places[0]),
    structure[0].removeprefix('static '),
    *structure[1:],
    'tflm_patch_integer_block(&args);',
    *project.emit_integer_weights(places[0]),
    *project.emit_integer_biases(places[0]),
  ]


def emit(steps: Sequence[Step], places: Sequence[Places], recomputes: bool = False) -> list[str]:
  """Statements that make the gradient of the block's input, and let its layers learn.

  Args:
    steps: Projection, depthwise convolution, expansion if it goes backward.
    places: Of each.
    recomputes: Whether clamps are computed again.
  """
  layers = {}
  for name, step, at in zip(('project', 'depthwise', 'expand'), steps, places):
    assert isinstance(step.operator, Weighted)
    scales = at.constant('float', step.operator.scales(), 'scales')
    layers[name] = {**_layer(step.operator, at, recomputes), 'scales': scales}
  project, last = steps[0].operator, steps[-1]
  assert isinstance(project, Conv)
  result = places[-1].gradient(last.operator.source) if last.wanted.inputs else 'NULL'
  args: dict[str, c_text.Value] = {
    **layers,
    'accumulators': places[0].gradient(project.target),
    'result': result,
    'added': int(bool(last.wanted.added)),
    'scratch': places[0].scratch(),
    'forward': _emit_forward(steps, places) if recomputes else 'NULL',
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


def _emit_forward(steps: Sequence[Step], places: Sequence[Places]) -> str:
  """The address of the constant tflm_patch_block_forward."""
  depthwise, expand = steps[1].operator, steps[2].operator
  assert isinstance(depthwise, Weighted) and isinstance(expand, Weighted)
  before = scratch_bytes(depthwise)
  values, _ = _recomputing(depthwise)
  start = f'(int8_t*)(void*){places[0].scratch()}'
  return places[2].structure(  # behind those that it names
    'tflm_patch_block_forward',
    'forward',
    {
      'input': places[2].tensor(expand.source),
      'expand': _emit_layer_forward(expand, places[2]),
      'depthwise': _emit_layer_forward(depthwise, places[1]),
      'values': f'{start} + {before}',
      'masks': f'(uint32_t*)(void*)({start} + {before + values})',
    },
  )


def _emit_layer_forward(operator: Weighted, at: Places) -> dict[str, c_text.Value]:
  """Fields of tflm_patch_layer_forward."""
  multipliers, shifts = multipliers_of(operator)
  low, high = clamps.clamp_of(operator.view)
  requant = at.structure(
    'tflm_patch_requant_args',
    'requant',
    {
      'multipliers': at.constant('int32_t', multipliers, 'multipliers'),
      'shifts': at.constant('int8_t', shifts, 'shifts'),
      'channel_step': 1,
      'output_zero_point': zero_point_of(operator.view.output()),
      'act_min': low,
      'act_max': high,
      'bounded': 0,
      'wide': 0,
    },
  )
  if operator.update is None:
    bias = at.constant('int32_t', folded_bias(operator), 'folded_bias')
  else:
    bias = at.parameters()['bias']
  return {'bias': bias, 'requant': requant}


def _layer(operator: Weighted, at: Places, recomputes: bool) -> dict[str, c_text.Value]:
  """Fields of tflm_patch_block_layer, but for the scales."""
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
    'mask': 'NULL' if recomputes else at.mask(),
    'scale_step': int(operator.scales().size > 1),
  }
