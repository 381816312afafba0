# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The masked network in Keras: layers that mask, and losses of what it costs.

Options are mixed by a softmax of learned numbers and Gumbel noise (arXiv 1611.01144), as in
MicroNets (arXiv 2010.11267); noise and temperature are set before every step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.architecture.layers import Layer
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Activation
from tflm_patch.models.builder import BuildOptions, build, layer_name
from tflm_patch.models.operators import norm_name
from tflm_patch.nas.masks.plan import Gate, LayerCost, MaskPlan, Window

_NORM_MOMENTUM = 0.9


class Chooser(keras.layers.Layer):
  """The learned numbers of all choices; gives the parts of the options of one.

  Args:
    plan: What is chosen.
  """

  def __init__(self, plan: MaskPlan) -> None:
    super().__init__(name='chooser')
    self._plan = plan
    counts = [len(choice.values) for choice in plan.choices]
    self.logits = [
      self.add_weight(shape=(count,), initializer='zeros', name=f'logits_{k}')
      for k, count in enumerate(counts)
    ]
    self.noise = [
      self.add_weight(shape=(count,), initializer='zeros', trainable=False, name=f'noise_{k}')
      for k, count in enumerate(counts)
    ]
    self.temperature = self.add_weight(
      shape=(), initializer='ones', trainable=False, name='temperature'
    )
    self.built = True

  def parts(self, choice: int) -> Any:
    """float32[options], which sum to 1."""
    mixed = (self.logits[choice] + self.noise[choice]) / self.temperature
    return ops.softmax(mixed)

  def channels(self, choice: int, most: int) -> Any:
    """float32[most]: 1 for a channel that all options have."""
    values = self._plan.choices[choice].values
    masks = np.array([np.arange(most) < value for value in values], np.float32)
    return ops.matmul(self.parts(choice), masks)

  def there(self, gate: Gate) -> Any:
    """How much a block is there, 0 to 1."""
    values = self._plan.choices[gate.choice].values
    return ops.sum(self.parts(gate.choice) * np.array([v > gate.block for v in values], np.float32))

  def cells(self, window: Window) -> Any:
    """float32[rows, columns, 1, 1]: 1 for a cell of the largest window that all options have."""
    rows, cols = (max(sizes) for sizes in zip(*window.sizes))
    masks = np.zeros((len(window.sizes), rows, cols), np.float32)
    for mask, (height, width) in zip(masks, window.sizes):
      top, left = (rows - height) // 2, (cols - width) // 2
      mask[top : top + height, left : left + width] = 1
    mixed = ops.matmul(self.parts(window.choice), masks.reshape(len(masks), -1))
    return ops.reshape(mixed, (rows, cols, 1, 1))

  def share(self, choice: int | None) -> Any:
    """The expected part of the channels, or of a window's cells; 1 where they are fixed."""
    if choice is None:
      return 1.0
    values = np.array(self._plan.choices[choice].values, np.float32)
    return ops.sum(self.parts(choice) * (values / values.max()))

  def prepare(self, rng: np.random.Generator, temperature: float) -> None:
    """Noise of the next step."""
    self.temperature.assign(temperature)
    for noise in self.noise:
      noise.assign(rng.gumbel(size=noise.shape).astype(np.float32))

  def probabilities(self) -> list[np.ndarray]:
    """Of the options of each choice, without noise."""
    found = []
    for logits in self.logits:
      values = np.exp(np.asarray(logits, np.float64) - np.max(np.asarray(logits)))
      found.append(values / values.sum())
    return found


class Mask(keras.layers.Layer):
  """Multiplies channels by their parts, and a block by how much it is there.

  Args:
    chooser: Of the network; its weights count once.
    choice: Of the channels; None for all of them.
    gate: Of the block; None for always.
  """

  def __init__(self, chooser: Chooser, choice: int | None, gate: Gate | None, name: str) -> None:
    super().__init__(name=name)
    self._chooser, self._choice, self._gate = chooser, choice, gate

  def call(self, x: Any) -> Any:
    if self._choice is not None:
      x = x * self._chooser.channels(self._choice, x.shape[-1])
    return x if self._gate is None else x * self._chooser.there(self._gate)


class _MaskedWindow(keras.layers.Layer):
  """A convolution whose window's outer weights are masked.

  Args:
    chooser: Of the network.
    window: What the window may be.
    **config: Of the layer.
  """

  _convolved: Callable[..., Any]

  def __init__(self, chooser: Chooser, window: Window, **config: Any) -> None:
    super().__init__(**config)
    self._chooser, self._window = chooser, window

  def call(self, x: Any) -> Any:
    kernel = self.kernel * self._chooser.cells(self._window)
    x = self._convolved(x, kernel, self.strides, self.padding)
    return self.activation(x if self.bias is None else x + self.bias)


class MaskedConv(_MaskedWindow, keras.layers.Conv2D):
  """Of all channels."""

  _convolved = staticmethod(ops.conv)


class MaskedDepthwise(_MaskedWindow, keras.layers.DepthwiseConv2D):
  """Of each channel by itself."""

  _convolved = staticmethod(ops.depthwise_conv)


_MASKED = {'CONV_2D': MaskedConv, 'DEPTHWISE_CONV_2D': MaskedDepthwise}


@dataclasses.dataclass(frozen=True)
class CostLimits:
  """What expected costs are held to; None for no limit.

  Attributes:
    peak: Bytes of a layer's inputs and outputs.
    weights: Bytes of all weights.
    macs: Multiply-accumulates.
  """

  peak: float | None
  weights: float | None
  macs: float | None


class Price(keras.layers.Layer):
  """Adds the losses of the expected costs above their limits; gives what it reads.

  Args:
    chooser: Of the network.
    layers: Their costs.
    limits: In their units.
    weight: Of the loss, beside the cross-entropy.
  """

  def __init__(
    self, chooser: Chooser, layers: Sequence[LayerCost], limits: CostLimits, weight: float
  ) -> None:
    super().__init__(name='price')
    self._chooser, self._costed, self._limits = chooser, tuple(layers), limits
    self._weight = weight

  def call(self, x: Any) -> Any:
    peak, weights, macs = expected_costs(self._chooser, self._costed)
    limits = self._limits
    for value, limit in ((peak, limits.peak), (weights, limits.weights), (macs, limits.macs)):
      if limit is not None:
        self.add_loss(self._weight * ops.relu(value / limit - 1.0))
    return x


def expected_costs(chooser: Chooser, layers: Sequence[LayerCost]) -> tuple[Any, Any, Any]:
  """Expected peak in bytes, weights in bytes, multiply-accumulates, of the current parts."""
  peaks, weights, macs = [], [], []
  for layer in layers:
    source, output = chooser.share(layer.source), chooser.share(layer.output)
    there = 1.0 if layer.gate is None else chooser.there(layer.gate)
    peaks.append(there * (source * layer.source_bytes + output * layer.output_bytes))
    if layer.taps:
      pairs = output if layer.per_channel else source * output
      values = there * pairs * chooser.share(layer.window) * float(layer.taps * layer.channels)
      weights.append(values)
      macs.append(values * layer.cells)
  return ops.max(ops.stack([ops.cast(each, 'float32') for each in peaks])), sum(weights), sum(macs)


def masked_network(plan: MaskPlan, limits: CostLimits, weight: float) -> tuple[Any, Chooser]:
  """The largest network with its masks, and what chooses.

  Args:
    plan: What is masked.
    limits: Of the expected costs.
    weight: Of their losses.
  """
  chooser = Chooser(plan)
  head = dataclasses.replace(plan.spec.head, softmax=False)
  spec = dataclasses.replace(plan.spec, head=head)
  plain = build(spec, BuildOptions(momentum=_NORM_MOMENTUM))
  layers = list(network_of(spec).layers())
  windows = {layer_name(number, layers[number]): number for number in plan.windows}
  ends = {
    _last_name(number, layer, plain): number
    for number, layer in enumerate(layers)
    if number in plan.masks or number in plan.gates
  }

  def call(layer: Any, *inputs: Any, **more: Any) -> Any:
    made = layer(*inputs, **more)
    if layer.name not in ends:
      return made
    number = ends[layer.name]
    mask = Mask(chooser, plan.masks.get(number), plan.gates.get(number), f'mask_{number}')
    return mask(made)

  def copy(layer: Any) -> Any:
    if layer.name not in windows:
      return type(layer).from_config(layer.get_config())
    number = windows[layer.name]
    masked = _MASKED[layers[number].opcode]
    return masked(chooser, plan.windows[number], **layer.get_config())

  copied = keras.models.clone_model(plain, clone_function=copy, call_function=call)
  outputs = Price(chooser, plan.layers, limits, weight)(copied.outputs[0])
  return keras.Model(copied.inputs[0], outputs, name='masked'), chooser


def _last_name(number: int, layer: Layer, model: Any) -> str:
  """The Keras layer that makes the output of a layer of the spec."""
  name = layer_name(number, layer)
  known = {each.name for each in model.layers}
  candidates = [name, norm_name(name)]
  if layer.activation is not Activation.NONE:
    candidates.append(f'{name}_{layer.activation.value}')
  return next(each for each in reversed(candidates) if each in known)
