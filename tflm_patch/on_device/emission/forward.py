# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Functions of the forward pass from the first trained operator on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tflm_patch.codegen import c_text, loops, source
from tflm_patch.graph.quantize import zero_point_of
from tflm_patch.on_device.emission.masked import Mask, MaskedFunctions
from tflm_patch.on_device.emission.places import Arrays, Layout, TrainedConstants
from tflm_patch.on_device.forward import ForwardStage
from tflm_patch.on_device.operators import clamps
from tflm_patch.on_device.operators.relu import Relu
from tflm_patch.on_device.operators.weighted import Weighted, multipliers_of
from tflm_patch.on_device.parameters import LayerParameters
from tflm_patch.on_device.plan import Part, Work


@dataclasses.dataclass(frozen=True)
class ForwardCode:
  """An operator forward.

  Attributes:
    constants: Lines that define arrays.
    functions: Lines that define functions.
    calls: Statements that compute the operator, and keep what goes backward.
    weights: By operator, what the weights that gradients pass are called; '' without any.
    bytes: Of the arrays.
  """

  constants: tuple[str, ...]
  functions: tuple[str, ...]
  calls: tuple[str, ...]
  weights: Mapping[int, str]
  bytes: int


def array_name(index: int) -> str:
  """What the names of an operator's arrays begin with."""
  return f'operator_{index}'


class ForwardEmission:
  """Makes functions of operators.

  Args:
    work: What is computed.
    layout: Where everything lies.
    arrays: Of all operators.
    first_op: Operators of the frozen stages.
  """

  def __init__(self, work: Work, layout: Layout, arrays: Arrays, first_op: int) -> None:
    self._work, self._layout, self._arrays = work, layout, arrays
    self._memory = layout.trained()
    self._number = first_op
    self._backward = {step.index: step for step in work.backward}

  def operator(self, number: int, stage: ForwardStage) -> ForwardCode:
    """The code of a stage, the one number `number` of those that are not frozen."""
    layer = self._work.parameters.layers.get(stage.indices[0])
    if layer is not None and layer.operator.gathered is not None:
      code = self._apart(number, stage, layer)
    else:
      code = self._whole(number, stage)
    self._number += len(stage.stage.ops)
    if len(stage.indices) > 1:
      return code
    return dataclasses.replace(code, calls=(*code.calls, *self._keep(stage.indices[0])))

  def _whole(self, number: int, stage: ForwardStage, apart: bool = False) -> ForwardCode:
    """By the kernels that run without training; trained weights are in memory."""
    program = stage.stage
    instead: dict[tuple[int, str], str] = {}
    names: dict[int, str] = {}
    ops = list(program.ops)
    for op, index in enumerate(stage.indices):
      layer = self._work.parameters.layers.get(index)
      own = self._own(index, layer, apart)
      names[index] = own.get('weights', '')
      instead |= {(op, role): text for role, text in own.items()}
      if layer is not None:
        ops[op] = dataclasses.replace(
          ops[op], params={**ops[op].params, 'requant.sums': layer.sums}
        )
    constants = TrainedConstants(program.constants, self._number, instead)
    functions = MaskedFunctions(
      dataclasses.replace(program, ops=tuple(ops)),
      stage.operator,
      self._memory,
      (len(self._work.frozen.stages) + number, self._number),
      constants,
      self._masks(stage) if len(stage.indices) > 1 else {},
    )
    calls = source.statements(functions, loops.compress(functions.chunks[0]))
    return ForwardCode(
      tuple(constants.define()), tuple(functions.define()), tuple(calls), names, constants.bytes
    )

  def _own(self, index: int, layer: LayerParameters | None, apart: bool) -> dict[str, str]:
    """What an operator has instead of its constants, by role."""
    weights = self._weights_in_flash(index)
    instead = {'weights': weights} if weights else {}
    if layer is None:
      return instead
    multipliers, shifts = multipliers_of(layer.operator)
    name = array_name(index)
    return {
      'multipliers': self._arrays.name(multipliers, f'{name}_multipliers'),
      'shifts': self._arrays.name(shifts, f'{name}_shifts'),
      **instead,
      **self._layout.parameters(layer),
      **(instead if apart else {}),
    }

  def _masks(self, stage: ForwardStage) -> dict[int, Mask]:
    """Where operators of a stage note their clamps, by their place in it."""
    found = {}
    for op, index in enumerate(stage.indices):
      step = self._backward.get(index)
      if step is not None and self._work.keeps_mask(step):
        low, high = clamps.clamp_of(step.operator.view)
        found[op] = Mask(low, high, self._layout.pointer('uint32_t', (Part.MASK, index)))
    return found

  def _weights_in_flash(self, index: int) -> str:
    """The array of an operator's weights, '' where no gradient passes it or all are trained."""
    step = self._backward.get(index)
    if step is None or not isinstance(step.operator, Weighted):
      return ''
    if step.operator.channels is not None and step.operator.gathered is None:
      return ''
    weights = step.operator.view.input(1).array()
    return self._arrays.name(weights.reshape(-1), f'{array_name(index)}_weights', 16)

  def _apart(self, number: int, stage: ForwardStage, layer: LayerParameters) -> ForwardCode:
    """With the trained weights in memory, the others in flash."""
    (index,) = stage.indices
    operator, name = layer.operator, array_name(index)
    pointers = self._layout.parameters(layer)
    source_at = f'workspace + {self._layout.tensor(operator.source)}'
    target_at = f'workspace + {self._layout.tensor(operator.target)}'
    gathered = self._layout.pointer('int8_t', (Part.GATHERED, index))
    chosen = np.array(operator.gathered, np.uint16)
    channels = self._arrays.name(chosen, f'{name}_channels')
    shape = operator.geometry
    gather = c_text.call(
      'tflm_patch_gather_channels',
      source_at,
      shape.source_cells,
      shape.source[2],
      channels,
      chosen.size,
      gathered,
    )
    statics = c_text.structure(
      'tflm_patch_backward_geometry', 'geometry', shape.fields(operator.input_zero_point)
    ) + c_text.structure('tflm_patch_requant_args', 'requant', self._requant(layer, name))
    if operator.view.opcode == 'DEPTHWISE_CONV_2D':
      plain = self._whole(number, stage, apart=True)
      call = c_text.call(
        'tflm_patch_depthwise_apart',
        *('&geometry', '&requant', pointers['weights'], channels, chosen.size),
        *(pointers['bias'], gathered, target_at),
      )
    else:
      frozen = operator.view.input(1).array().copy()
      frozen[..., chosen] = 0
      weights = self._arrays.name(frozen.reshape(-1), f'{name}_frozen_weights', 16)
      plain = ForwardCode((), (), (), {index: weights}, 0)
      call = c_text.call(
        'tflm_patch_conv_apart',
        *('&geometry', '&requant', weights, pointers['weights'], chosen.size),
        *(pointers['bias'], source_at, gathered, target_at),
      )
    lines = [
      f'/* {operator.view.name}, {chosen.size} of {operator.trainable_channels} channels */',
      f'static void {name}_forward(void) {{',
      *c_text.indented([*statics, gather, call]),
      '}',
      '',
    ]
    return dataclasses.replace(
      plain, functions=(*plain.functions, *lines), calls=(*plain.calls, f'{name}_forward();')
    )

  def _requant(self, layer: LayerParameters, name: str) -> dict[str, c_text.Value]:
    """Fields of tflm_patch_requant_args, for any weights."""
    multipliers, shifts = multipliers_of(layer.operator)
    low, high = clamps.clamp_of(layer.operator.view)
    return {
      'multipliers': self._arrays.name(multipliers, f'{name}_multipliers'),
      'shifts': self._arrays.name(shifts, f'{name}_shifts'),
      'channel_step': 1,
      'output_zero_point': zero_point_of(layer.operator.view.output()),
      'act_min': low,
      'act_max': high,
      'bounded': 0,
      'wide': 0,
    }

  def _keep(self, index: int) -> list[str]:
    """Statements that note where an output is at its clamp."""
    step = self._backward.get(index)
    if step is None or not self._work.keeps_mask(step):
      return []
    operator = step.operator
    low, high = operator.clamp if isinstance(operator, Relu) else clamps.clamp_of(operator.view)
    return [
      c_text.call(
        'tflm_patch_clamp_mask',
        f'workspace + {self._layout.tensor(operator.target)}',
        operator.view.output().elements,
        low,
        high,
        self._layout.pointer('uint32_t', (Part.MASK, index)),
        0,
      )
    ]
