# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An int8 network on batches: the frozen part once, the rest forth and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model
from tflm_patch.on_device.simulation.layers import (
  LAYERS,
  Gradients,
  Kept,
  Layer,
  Parameters,
  Wanted,
  is_trainable,
)
from tflm_patch.on_device.simulation.operations import OPERATIONS, ForwardOnly, Operation
from tflm_patch.planner.lowering.operators import OpView

State = Mapping[int, Parameters]  # by operator

_BATCH = 32  # of the frozen part


@dataclasses.dataclass(frozen=True, eq=False)
class Boundary:
  """What the frozen part gives to the rest, for every sample.

  Attributes:
    first: The first operator that is not frozen.
    maps: int8[n, ...] by tensor.
  """

  first: int
  maps: Mapping[int, np.ndarray]

  def __len__(self) -> int:
    return len(next(iter(self.maps.values())))

  def chosen(self, samples: np.ndarray | slice) -> Boundary:
    """Of some samples."""
    return Boundary(self.first, {key: value[samples] for key, value in self.maps.items()})


@dataclasses.dataclass(eq=False)
class Trace:
  """A batch's way forth: the logits and what the way back needs, by operator."""

  logits: np.ndarray
  kept: dict[int, object]


class Network:
  """A model of one int8 input and one int8 output.

  A SOFTMAX at the end is left out: the loss is of its input, the logits.

  Args:
    model: As in the file; its subgraph 0 runs.

  Raises:
    TflmPatchError: an operator has no exact forward pass, or the model another form.
  """

  def __init__(self, model: Model) -> None:
    main = model.main
    self.model = model
    if len(main.inputs) != 1 or len(main.outputs) != 1:
      raise TflmPatchError(
        f'the model has {len(main.inputs)} inputs and {len(main.outputs)} outputs; training on '
        'the chip takes models of one input and one output'
      )
    ends = {main.tensors[index].dtype for index in (*main.inputs, *main.outputs)}
    if ends != {DType.INT8}:
      names = ', '.join(sorted(each.name for each in ends))
      raise TflmPatchError(f'inputs and outputs are {names}; quantize the model to int8 throughout')
    views = [OpView(model, main, index) for index in range(len(main.operators))]
    self.logits = main.outputs[0]
    if views and views[-1].opcode == 'SOFTMAX':
      self.logits = views.pop().operator.inputs[0]
    self.steps: list[Operation | Layer] = [_step(view) for view in views]
    self.layers = {s.view.index: s for s in self.steps if isinstance(s, Layer)}
    if not self.layers:
      raise TflmPatchError(
        'the model has no layer that can be trained: no CONV_2D, DEPTHWISE_CONV_2D or '
        'FULLY_CONNECTED of constant int8 weights'
      )
    quantization = main.tensors[self.logits].quantization
    assert quantization is not None
    self.logit_scale, self.logit_zero_point = quantization.scale, quantization.zero_point

  @property
  def classes(self) -> int:
    """How many logits there are."""
    return self.model.main.tensors[self.logits].elements

  @property
  def initial(self) -> dict[int, Parameters]:
    """All layers as they are in the file."""
    return {index: layer.initial for index, layer in self.layers.items()}

  def trainable(self) -> list[int]:
    """Operators of the layers that gradients reach, as they run."""
    reached = {self.logits}
    found = []
    for step in reversed(self.steps):
      if step.output not in reached or isinstance(step, ForwardOnly):
        continue
      reached.update(step.inputs)
      if isinstance(step, Layer):
        found.append(step.view.index)
    return found[::-1]

  def start(self, inputs: np.ndarray) -> Boundary:
    """The model's input as the boundary before its first operator.

    Args:
      inputs: int8[n, ...].
    """
    return Boundary(0, {self.model.main.inputs[0]: inputs})

  def advance(self, boundary: Boundary, first: int, state: State | None = None) -> Boundary:
    """Computes the frozen operators before `first`; all that is read later is kept."""
    state = self.initial if state is None else state
    ahead = [step for step in self.steps if boundary.first <= step.view.index < first]
    needed = {t for s in self.steps if s.view.index >= first for t in s.inputs} | {self.logits}
    parts: dict[int, list[np.ndarray]] = {}
    for begin in range(0, len(boundary), _BATCH):
      part = boundary.chosen(slice(begin, begin + _BATCH))
      known = {tensor: values.astype(np.float32) for tensor, values in part.maps.items()}
      for step in ahead:
        known[step.output] = self._forward(step, known, state)[0]
      for tensor in needed & set(known):
        parts.setdefault(tensor, []).append(known[tensor].astype(np.int8))
    return Boundary(first, {tensor: np.concatenate(found) for tensor, found in parts.items()})

  def forward(self, boundary: Boundary, state: State) -> Trace:
    """The rest of the way, of all samples of a boundary at once."""
    known = {tensor: values.astype(np.float32) for tensor, values in boundary.maps.items()}
    kept: dict[int, object] = {}
    for step in self.steps:
      if step.view.index >= boundary.first:
        known[step.output], kept[step.view.index] = self._forward(step, known, state)
    return Trace(known[self.logits].reshape(len(boundary), -1), kept)

  def outputs(self, boundary: Boundary, state: State) -> np.ndarray:
    """The logits' bytes, int8[n, classes], batch by batch."""
    found = [
      self.forward(boundary.chosen(slice(begin, begin + _BATCH)), state).logits
      for begin in range(0, len(boundary), _BATCH)
    ]
    return np.concatenate(found).astype(np.int8)

  def real(self, logits: np.ndarray) -> np.ndarray:
    """Logits as real numbers, float64[n, classes]."""
    return (logits.astype(np.float64) - self.logit_zero_point) * self.logit_scale

  def backward(
    self, trace: Trace, gradient: np.ndarray, state: State, wanted: Mapping[int, Wanted]
  ) -> dict[int, Gradients]:
    """Gradients of layers.

    Args:
      trace: Of `forward`.
      gradient: With respect to the logits' integers, float32[n, classes].
      state: That of `forward`.
      wanted: By operator. Nothing is computed before the first of them.

    Raises:
      TflmPatchError: gradients do not pass an operator on the way.
    """
    first = min(wanted)
    shape = self.model.main.tensors[self.logits].shape[1:]
    known = {self.logits: gradient.reshape(-1, *shape)}
    found: dict[int, Gradients] = {}
    for step in reversed(self.steps):
      index = step.view.index
      if index < first or step.output not in known:
        continue
      of_output = known.pop(step.output)
      if isinstance(step, Layer):
        asked = wanted.get(index, Wanted())
        asked = dataclasses.replace(asked, input=index > first)
        kept = trace.kept[index]
        assert isinstance(kept, Kept)
        found[index] = step.backward(of_output, kept, state[index], asked)
        before: Sequence[np.ndarray | None] = [found[index].input]
      else:
        before = step.backward(of_output, trace.kept[index])
      for tensor, each in zip(step.inputs, before):
        if each is not None:
          known[tensor] = known[tensor] + each if tensor in known else each
    return {index: found[index] for index in wanted if index in found}

  def _forward(
    self, step: Operation | Layer, known: dict[int, np.ndarray], state: State
  ) -> tuple[np.ndarray, object]:
    values = [known[tensor] for tensor in step.inputs]
    if isinstance(step, Layer):
      return step.forward(values[0], state[step.view.index])
    return step.forward(values)


def _step(view: OpView) -> Operation | Layer:
  if is_trainable(view):
    return LAYERS[view.opcode](view)
  return OPERATIONS.get(view.opcode, ForwardOnly)(view)
