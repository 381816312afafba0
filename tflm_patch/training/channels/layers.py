# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where channels lie in Keras layers: axes of weights, and fields of their configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.quantization.network import Node, Value
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.training.channels.atoms import MIXING, Atoms


@dataclasses.dataclass(frozen=True, eq=False)
class Use:
  """A layer where it is called.

  Attributes:
    layer: Of Keras, or a function of `keras.ops`.
    inputs: What it reads.
    nodes: What it became.
  """

  layer: Any
  inputs: Sequence[Value]
  nodes: Sequence[Node]

  @property
  def kind(self) -> str:
    return type(self.layer).__name__

  def node(self, *kinds: type) -> Node:
    """The node of an operation of some kind."""
    return next(node for node in self.nodes if isinstance(node.operation, kinds))


@dataclasses.dataclass(frozen=True, eq=False)
class Slot:
  """An axis of a layer's weight.

  Attributes:
    attribute: Name of the weight, as an attribute of the layer.
    axis: Counted from the end.
    atoms: int[size]: of each position.
    gate: The node whose output channel is 0 when this weight is 0 at its position, and so
      are all others of the same node; None for others.
  """

  attribute: str
  axis: int
  atoms: np.ndarray
  gate: Node | None = None


_Slots = Callable[[Use, Atoms], 'list[Slot]']


def _bias(use: Use, atoms: np.ndarray, node: Node) -> list[Slot]:
  return [Slot('bias', -1, atoms, node)] if use.layer.use_bias else []


def _mixing(use: Use, atoms: Atoms) -> list[Slot]:
  node = use.node(*MIXING)
  out = atoms.of(node.output)
  transposed = 'Transpose' in use.kind
  kernel = [
    Slot('kernel', -1 if transposed else -2, atoms.of(node.input)),
    Slot('kernel', -2 if transposed else -1, out, node),
  ]
  return [*kernel, *_bias(use, out, node)]


def _depthwise(use: Use, atoms: Atoms) -> list[Slot]:
  node = use.node(DepthwiseConv2D)
  kernel = Slot('kernel', -2, atoms.of(node.input), node)
  return [kernel, *_bias(use, atoms.of(node.output), node)]


def _separable(use: Use, atoms: Atoms) -> list[Slot]:
  depthwise, point = use.node(DepthwiseConv2D), use.node(*MIXING)
  out = atoms.of(point.output)
  return [
    Slot('depthwise_kernel', -2, atoms.of(depthwise.input), depthwise),
    Slot('pointwise_kernel', -2, atoms.of(point.input)),
    Slot('pointwise_kernel', -1, out, point),
    *_bias(use, out, point),
  ]


def _normalization(use: Use, atoms: Atoms) -> list[Slot]:
  node = use.node(Affine)
  found = atoms.of(node.input)
  gates = ['gamma'] * use.layer.scale + ['beta'] * use.layer.center
  return [
    *(Slot(name, -1, found, node) for name in gates),
    *(Slot(name, -1, found) for name in ('moving_mean', 'moving_variance')),
  ]


def _prelu(use: Use, atoms: Atoms) -> list[Slot]:
  found = atoms.of(use.inputs[0])
  return [Slot('alpha', -1, found)] if use.layer.alpha.shape[-1] == found.size else []


def _none(use: Use, atoms: Atoms) -> list[Slot]:
  del use, atoms
  return []


_WEIGHTED: dict[str, _Slots] = {
  **dict.fromkeys(('Conv1D', 'Conv2D', 'Conv1DTranspose', 'Conv2DTranspose', 'Dense'), _mixing),
  **dict.fromkeys(('DepthwiseConv1D', 'DepthwiseConv2D'), _depthwise),
  **dict.fromkeys(('SeparableConv1D', 'SeparableConv2D'), _separable),
  'BatchNormalization': _normalization,
  'PReLU': _prelu,
}
# Their configuration holds something for every channel, or for positions among them.
_FIXED = ('Normalization', 'Permute', 'RepeatVector')


def slots_of(use: Use, atoms: Atoms) -> list[Slot] | None:
  """The axes of a layer's weights that have channels; None when its channels have to stay."""
  if not type(use.layer).__module__.startswith('keras.') or use.kind in _FIXED:
    return None
  if use.kind in _WEIGHTED:
    if use.kind == 'BatchNormalization' and not use.layer.scale:
      return None
    if getattr(use.layer, 'groups', 1) not in (1, None):
      return None
    return _WEIGHTED[use.kind](use, atoms)
  if getattr(use.layer, 'weights', None):
    return None
  return None if use.kind == 'Rescaling' and _per_channel(use.layer) else _without_constants(use)


def _per_channel(layer: Any) -> bool:
  return max(np.size(layer.scale), np.size(layer.offset)) > 1


def _without_constants(use: Use) -> list[Slot] | None:
  """None for functions that have a constant beside the values, which may be per channel."""
  is_layer = hasattr(use.layer, 'get_config') and hasattr(use.layer, 'trainable')
  has_constants = any(value.constant is not None for node in use.nodes for value in node.inputs)
  affine = any(isinstance(node.operation, Affine) for node in use.nodes)
  return None if not is_layer and (has_constants or affine) else []


def narrowed(use: Use, counts: Callable[[Value], int]) -> dict[str, Any]:
  """The configuration of a layer with fewer channels.

  Args:
    use: The layer.
    counts: The number of channels that a value still has.
  """
  config: dict[str, Any] = use.layer.get_config()
  if use.kind == 'Dense':
    config['units'] = counts(use.node(*MIXING).output)
  elif 'filters' in config:
    config['filters'] = counts(use.node(*MIXING).output)
  elif use.kind == 'Reshape' and use.nodes:
    node = use.nodes[-1]
    if node.input.shape[-1] == node.output.shape[-1]:
      config['target_shape'] = (*node.output.shape[1:-1], counts(node.output))
    else:
      config['target_shape'] = (-1,)
  return config
