# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels of a float network that can only go together.

Every channel of every value belongs to an *atom*. A convolution makes new atoms; what works
channel by channel hands them on; a sum, or anything else of several values, joins those of
its operands; a concatenation lines them up; flattening repeats them for every cell. An atom
is fixed when an input or an output of the network, or an operation that is not understood,
has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.activation import Prelu
from tflm_patch.quantization.operators.binary import Add, Maximum, Minimum, Mul, Sub
from tflm_patch.quantization.operators.concatenation import Concatenation
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.depthwise_conv import DepthwiseConv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.mean import Mean
from tflm_patch.quantization.operators.pad import Pad
from tflm_patch.quantization.operators.pool import AveragePool2D, MaxPool2D
from tflm_patch.quantization.operators.reshape import Reshape
from tflm_patch.quantization.operators.resize import ResizeBilinear, ResizeNearest
from tflm_patch.quantization.operators.transpose_conv import TransposeConv

MIXING = (Conv2D, FullyConnected, TransposeConv)
_PASSING = (AveragePool2D, MaxPool2D, ResizeBilinear, ResizeNearest)
_BINARY = (Add, Maximum, Minimum, Mul, Prelu, Sub)


class Atoms:
  """The atoms of a network's values.

  Args:
    network: As captured, before any pass.
  """

  def __init__(self, network: Network) -> None:
    self._parents: list[int] = []
    self._of: dict[int, np.ndarray] = {}
    self._fixed: set[int] = set()
    self._makers: dict[int, tuple[Node, int]] = {}
    for value in network.inputs:
      self.fix(value)
    for node in network.nodes:
      self._add(node)
    for value in network.outputs:
      self.fix(value)

  def of(self, value: Value) -> np.ndarray:
    """int[channels]: the atom of each channel of a value."""
    return np.array([self.root(atom) for atom in self._of[id(value)].tolist()], np.int64)

  def root(self, atom: int) -> int:
    """The atom that stands for all those that were joined with one."""
    while self._parents[atom] != atom:
      self._parents[atom] = self._parents[self._parents[atom]]
      atom = self._parents[atom]
    return atom

  def fix(self, value: Value) -> None:
    """Lets no channel of a value ever go."""
    self._fixed.update(self._known(value).tolist())

  def fixed(self) -> set[int]:
    """Atoms that have to stay."""
    return {self.root(atom) for atom in self._fixed}

  def made_by(self) -> dict[int, list[tuple[Node, int]]]:
    """For each atom the nodes that make it, and with which of their channels."""
    found: dict[int, list[tuple[Node, int]]] = {}
    for atom, maker in self._makers.items():
      found.setdefault(self.root(atom), []).append(maker)
    return found

  # Inside.

  def _made(self, value: Value) -> np.ndarray:
    first = len(self._parents)
    self._parents += range(first, first + value.channels)
    return np.arange(first, first + value.channels)

  def _known(self, value: Value) -> np.ndarray:
    if id(value) not in self._of:  # an input, a constant, or what is not understood
      self._of[id(value)] = self._made(value)
    return self._of[id(value)]

  def _join(self, first: np.ndarray, second: np.ndarray) -> None:
    for a, b in zip(first.tolist(), second.tolist()):
      self._parents[self.root(b)] = self.root(a)

  def _add(self, node: Node) -> None:
    for value in node.inputs:
      self._known(value)
    handler = _HANDLERS.get(type(node.operation))
    if handler is None and node.operation.elementwise:
      handler = _pass
    found = None if handler is None else handler(self, node)
    if found is None:
      for value in node.inputs:
        self.fix(value)
      self.fix(node.output)
    else:
      self._of[id(node.output)] = found


_Handler = Callable[[Atoms, Node], 'np.ndarray | None']


def _mix(atoms: Atoms, node: Node) -> np.ndarray | None:
  """New atoms for its outputs; None for convolutions in groups."""
  operation = node.operation
  if isinstance(operation, Conv2D) and operation.weights.shape[2] != node.input.channels:
    return None
  made = atoms._made(node.output)
  for channel, atom in enumerate(made.tolist()):
    atoms._makers[atom] = (node, channel)
  return made


def _depthwise(atoms: Atoms, node: Node) -> np.ndarray | None:
  assert isinstance(node.operation, DepthwiseConv2D)
  return np.repeat(atoms._of[id(node.input)], node.operation.multiplier)


def _pass(atoms: Atoms, node: Node) -> np.ndarray | None:
  return atoms._of[id(node.input)]


def _mean(atoms: Atoms, node: Node) -> np.ndarray | None:
  assert isinstance(node.operation, Mean)
  return None if node.input.rank - 1 in node.operation.axes else _pass(atoms, node)


def _pad(atoms: Atoms, node: Node) -> np.ndarray | None:
  assert isinstance(node.operation, Pad)
  return None if any(node.operation.padding[-1]) else _pass(atoms, node)


def _binary(atoms: Atoms, node: Node) -> np.ndarray | None:
  """The atoms of the operands, joined."""
  channels = node.output.channels
  wide = [value for value in node.inputs if value.channels == channels]
  if any(value.channels not in (1, channels) for value in node.inputs) or not wide:
    return None
  first = atoms._of[id(wide[0])]
  for value in wide[1:]:
    atoms._join(first, atoms._of[id(value)])
  return first


def _concatenate(atoms: Atoms, node: Node) -> np.ndarray | None:
  assert isinstance(node.operation, Concatenation)
  found = [atoms._of[id(value)] for value in node.inputs]
  if node.operation.axis == node.output.rank - 1:
    return np.concatenate(found)
  for each in found[1:]:
    atoms._join(found[0], each)
  return found[0]


def _reshape(atoms: Atoms, node: Node) -> np.ndarray | None:
  before, after = node.input.shape, node.output.shape
  found = atoms._of[id(node.input)]
  if before[-1] == after[-1]:
    return found
  if len(after) == 2 and after[1] % before[-1] == 0:
    return np.tile(found, after[1] // before[-1])  # flattened
  return None


_HANDLERS: dict[type, _Handler] = {
  **dict.fromkeys(MIXING, _mix),
  **dict.fromkeys(_PASSING, _pass),
  **dict.fromkeys(_BINARY, _binary),
  DepthwiseConv2D: _depthwise,
  Mean: _mean,
  Pad: _pad,
  Concatenation: _concatenate,
  Reshape: _reshape,
}
