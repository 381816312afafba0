# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The channels of a Keras model that may go, in groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tflm_patch.quantization.capture import capture
from tflm_patch.quantization.network import Network, Node, Value
from tflm_patch.quantization.operators.activation import Logistic, Softmax
from tflm_patch.quantization.operators.affine import Affine
from tflm_patch.quantization.operators.binary import Mul
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.transpose_conv import TransposeConv
from tflm_patch.training.channels.atoms import MIXING, Atoms
from tflm_patch.training.channels.layers import Slot, Use, slots_of


@dataclasses.dataclass(frozen=True)
class Group:
  """Channels that the same layers make, any of which may go.

  Attributes:
    name: Of the layers, for messages.
    atoms: In the order of the channels.
  """

  name: str
  atoms: tuple[int, ...]


class ModelChannels:
  """What may be removed from a Keras model.

  Attributes:
    network: The captured network, with the weights of now.
    atoms: Of its values.
    uses: Layers where they are called.
    slots: Of each use, in the same order.
    groups: Channels that may go; those of input and output, and what an operation that is
      not understood has to do with, are in none.

  Raises:
    TflmPatchError: a layer is not supported.
  """

  def __init__(self, model: Any) -> None:
    self.uses: list[Use] = []
    self.network: Network = capture(model, see=self._see)
    self.atoms = Atoms(self.network)
    self.slots: list[list[Slot]] = []
    for use in self.uses:
      found = slots_of(use, self.atoms)
      if found is None:
        self._fix(use)
      self.slots.append(found or [])
    self._producer = {id(node.output): node for node in self.network.nodes}
    self._gated = {id(slot.gate) for slots in self.slots for slot in slots if slot.gate is not None}
    self._gates: dict[int, set[int]] = {}  # node -> atoms that are masked there
    self._find_gates()
    self.groups = self._grouped()

  def _see(self, layer: Any, inputs: Sequence[Value], nodes: Sequence[Node]) -> None:
    self.uses.append(Use(layer, tuple(inputs), tuple(nodes)))

  def _fix(self, use: Use) -> None:
    for value in (*use.inputs, *(node.output for node in use.nodes)):
      self.atoms.fix(value)

  def _grouped(self) -> tuple[Group, ...]:
    fixed, makers = self.atoms.fixed(), self.atoms.made_by()
    found: dict[tuple[int, ...], list[int]] = {}
    names: dict[tuple[int, ...], str] = {}
    for atom in sorted(set(makers) - fixed):
      nodes = {id(node): node.name for node, _ in makers[atom]}
      key = tuple(nodes)
      found.setdefault(key, []).append(atom)
      names[key] = ', '.join(nodes.values())
    return tuple(Group(names[key], tuple(atoms)) for key, atoms in found.items())

  # Where a channel is masked.

  def _find_gates(self) -> None:
    """Looks for the last weights before each layer that mixes channels.

    When they are 0, so is what that layer reads; where something between makes it another
    number, the channels have to stay.
    """
    for node in self.network.nodes:
      if isinstance(node.operation, MIXING) and not self._closes(node.input):
        self.atoms.fix(node.input)

  def _closes(self, value: Value) -> bool:
    """Whether gates before a value can make it 0."""
    node = self._producer.get(id(value))
    if node is None:
      return False
    if id(node) in self._gated:
      self._gates.setdefault(id(node), set())
      return True
    closed = [self._closes(each) for each in node.inputs if each.constant is None]
    if isinstance(node.operation, Mul):
      return any(closed)
    return all(closed) and _keeps_zero(node)

  def masked(self) -> list[tuple[Any, int, np.ndarray]]:
    """What is 0 while channels are masked: variables, an axis, and its atoms."""
    return [
      (getattr(use.layer, slot.attribute), slot.axis, slot.atoms)
      for use, slots in zip(self.uses, self.slots)
      for slot in slots
      if slot.gate is not None and id(slot.gate) in self._gates
    ]

  # How much a channel matters.

  def norms(self) -> dict[int, float]:
    """The squared norm of each channel's filters, as a part of their layer's.

    Filters have the scale of the batch normalization after them. Of a channel that several
    layers make it is the mean.
    """
    shares: dict[int, np.ndarray] = {}
    found = {}
    for atom, makers in self.atoms.made_by().items():
      for node, _ in makers:
        if id(node) not in shares:
          shares[id(node)] = self._shares(node)
      found[atom] = float(np.mean([shares[id(node)][channel] for node, channel in makers]))
    return found

  def _shares(self, node: Node) -> np.ndarray:
    squares = _filter_norms(node)
    after = self.network.only_consumer(node.output)
    if after is not None and isinstance(after.operation, Affine):
      squares = squares * np.asarray(after.operation.scale, np.float64) ** 2
    total = squares.sum()
    return squares / total if total > 0 else np.full(squares.size, 1 / squares.size)

  def kept(self, value: Value, gone: Iterable[int]) -> np.ndarray:
    """Indices of the channels of a value that stay."""
    return np.flatnonzero(~np.isin(self.atoms.of(value), list(gone)))


def _keeps_zero(node: Node) -> bool:
  operation = node.operation
  if isinstance(operation, Affine):
    return not np.any(operation.shift)
  return not isinstance(operation, (Logistic, Softmax))


def _filter_norms(node: Node) -> np.ndarray:
  """float64[output channels]: squared norms."""
  operation = node.operation
  assert isinstance(operation, (Conv2D, FullyConnected, TransposeConv))
  squares = np.asarray(operation.weights, np.float64) ** 2
  axis = 2 if isinstance(operation, TransposeConv) else squares.ndim - 1
  total: np.ndarray = squares.sum(axis=tuple(each for each in range(squares.ndim) if each != axis))
  return total
