# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A model cut in two: frozen operators, and those from the first trained one on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tflm_patch.conversion import plugins
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph import edit
from tflm_patch.graph.types import DType, Model, Tensor
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme
from tflm_patch.planner.lowering.operators import OpView, check
from tflm_patch.planner.lowering.region import region_boundary

# Rewrites that keep weights, outputs and every byte; others would change what a scheme names.
_REWRITES = ('boundary_quantize', 'fold_dilation', 'fold_pad', 'reshape_noop', 'transpose_mean')
TRAINABLE = ('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED')


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
  """A model and what of it is trained.

  Attributes:
    model: After rewrites that change no byte.
    updates: By the operator's index in it.
    first: Index of the first trained operator; those before it are frozen.
    boundary: What the frozen ones make for the others, or the model's inputs among that.
    output: The tensor that the loss is of: logits, or the real output.
    loss: Of the scheme.
  """

  model: Model
  updates: Mapping[int, LayerUpdate]
  first: int
  boundary: tuple[int, ...]
  output: int
  loss: Loss

  @property
  def trained(self) -> range:
    """The operators from the first trained one on."""
    return range(self.first, len(self.model.main.operators))

  def view(self, index: int) -> OpView:
    """An operator."""
    return OpView(self.model, self.model.main, index)


def rewrite(model: Model) -> Model:
  """The model after rewrites that keep every byte, and the weights as they are.

  Raises:
    TflmPatchError: the model holds stages already.
  """
  if any(is_stage(operator) for operator in model.main.operators):
    raise TflmPatchError(
      f'{model.source or "model"}: is converted already; training needs the original one'
    )
  selection = plugins.select(_REWRITES)
  context = plugins.Context(int8_io=True)
  return plugins.run_plugins(model, selection.rewrites, context)[0]


def cut(model: Model, rewritten: Model, scheme: Scheme) -> Network:
  """A model with what a scheme trains of it.

  Args:
    model: The one that the scheme is for.
    rewritten: By `rewrite`.
    scheme: What is trained.

  Raises:
    TflmPatchError: the scheme names an operator or channel that is not there or cannot be
      trained; or the model's output is none of those that a loss is known for.
  """
  updates = {}
  for update in scheme.updates:
    index = _after_rewrites(model, rewritten, update)
    _check_update(OpView(rewritten, rewritten.main, index), update)
    updates[index] = update
  first = min(updates)
  inside = range(first, len(rewritten.main.operators))
  return Network(
    model=rewritten,
    updates=dict(sorted(updates.items())),
    first=first,
    boundary=region_boundary(rewritten.main, inside)[0],
    output=_output(rewritten, scheme.loss),
    loss=scheme.loss,
  )


def _after_rewrites(model: Model, rewritten: Model, update: LayerUpdate) -> int:
  """The index of a trained operator, which rewrites keep with its weights and in its order."""
  operators = model.main.operators
  if not 0 <= update.operator < len(operators):
    raise TflmPatchError(
      f'the scheme updates operator {update.operator}; the model has {len(operators)}'
    )
  operator = operators[update.operator]
  if operator.opcode not in TRAINABLE:
    raise TflmPatchError(
      f'the scheme updates operator {update.operator}, which is {operator.opcode}; '
      f'only {", ".join(TRAINABLE)} have weights to train'
    )
  before, after = (_readers_of_weights(each, operator.inputs[1]) for each in (model, rewritten))
  if len(before) != len(after):
    raise TflmPatchError(f'operator {update.operator} is no longer there after rewrites')
  return after[before.index(update.operator)]


def _readers_of_weights(model: Model, tensor: int) -> list[int]:
  operators = enumerate(model.main.operators)
  return [i for i, op in operators if op.opcode in TRAINABLE and op.inputs[1] == tensor]


def trained_channels(view: OpView) -> int:
  """How many channels of an operator a scheme chooses from: of the input, depthwise of both."""
  return int(view.input(1).shape[-1])


def _check_update(view: OpView, update: LayerUpdate) -> None:
  weights, source = view.input(1), view.input()
  if not _is_int8(source) or not _is_int8(view.output()) or not _is_int8(weights):
    raise TflmPatchError(f'operator {update.operator} is not of int8; only those are trained')
  if not weights.is_dense or not (view.has_input(2) and view.input(2).is_dense):
    raise TflmPatchError(
      f'operator {update.operator} has no constant weights and biases; only those are trained'
    )
  channels = trained_channels(view)
  if update.input_channels and update.input_channels[-1] >= channels:
    raise TflmPatchError(
      f'the scheme updates channel {update.input_channels[-1]} of operator {update.operator}, '
      f'which has {channels}'
    )


def _is_int8(tensor: Tensor) -> bool:
  return tensor.dtype == DType.INT8 and tensor.quantization is not None


def _output(model: Model, loss: Loss) -> int:
  """The int8 tensor that a loss is of, below SOFTMAX and DEQUANTIZE at the model's end."""
  if len(model.main.outputs) != 1:
    raise TflmPatchError(
      f'the model has {len(model.main.outputs)} outputs; a loss is known for one'
    )
  skipped = {'DEQUANTIZE'} | ({'SOFTMAX'} if loss is Loss.CROSS_ENTROPY else set())
  tensor = model.main.outputs[0]
  while True:
    producer = edit.producer(model.main, tensor)
    if producer is None or model.main.operators[producer].opcode not in skipped:
      break
    tensor = model.main.operators[producer].inputs[0]
  if not _is_int8(model.main.tensors[tensor]):
    dtype = model.main.tensors[tensor].dtype.name
    raise TflmPatchError(f'the output is {dtype}; a loss is known for int8 only, give --int8-io')
  return tensor


def check_forward(network: Network) -> None:
  """Whether stages hold every operator from the first trained one on.

  Raises:
    TflmPatchError: one cannot be computed; says which and why.
  """
  for index in network.trained:
    view = network.view(index)
    violation = check(view)
    if violation is not None:
      raise TflmPatchError(f'{view.name} cannot be computed in training: {violation}')
