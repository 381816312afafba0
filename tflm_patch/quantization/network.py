# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The float network between a Keras model and an int8 graph.

Its nodes are operators of TFLite with float weights. Values know neither ranges nor
scales; nodes are in execution order. Passes edit it in place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from tflm_patch.errors import TflmPatchError

if TYPE_CHECKING:
  from tflm_patch.quantization.operators.base import Operation

Shape = tuple[int, ...]


@dataclasses.dataclass(eq=False)
class Value:
  """What flows between nodes.

  Attributes:
    shape: With batch 1.
    name: Where it comes from, for messages and tensors.
    constant: float32 of `shape`, None for what is computed.
  """

  shape: Shape
  name: str
  constant: np.ndarray | None = None

  @property
  def rank(self) -> int:
    return len(self.shape)

  @property
  def channels(self) -> int:
    return self.shape[-1]

  @property
  def elements(self) -> int:
    return math.prod(self.shape)


@dataclasses.dataclass(eq=False)
class Node:
  """An operation on values.

  Attributes:
    operation: What is computed, with weights and parameters.
    inputs: What it reads.
    output: What it computes.
    name: Path of the Keras layer.
  """

  operation: Operation
  inputs: tuple[Value, ...]
  output: Value
  name: str

  @property
  def input(self) -> Value:
    return self.inputs[0]

  @property
  def scaled_inputs(self) -> list[Value]:
    """Its inputs, each once, but for numbers of rows."""
    places = self.operation.index_inputs
    return list(dict.fromkeys(x for at, x in enumerate(self.inputs) if at not in places))


@dataclasses.dataclass
class Network:
  """A graph of nodes."""

  inputs: list[Value]
  outputs: list[Value]
  nodes: list[Node]

  def producer(self, value: Value) -> Node | None:
    """The node that computes a value, None for inputs and constants."""
    return next((node for node in self.nodes if node.output is value), None)

  def consumers(self, value: Value) -> list[Node]:
    """The nodes that read a value."""
    return [node for node in self.nodes if any(each is value for each in node.inputs)]

  def only_consumer(self, value: Value) -> Node | None:
    """The one node that reads a value which is no output and read once; else None."""
    if any(each is value for each in self.outputs):
      return None
    readers = [node for node in self.nodes for each in node.inputs if each is value]
    return readers[0] if len(readers) == 1 else None

  def indices(self) -> set[Value]:
    """Inputs of the network that are numbers of rows.

    Raises:
      TflmPatchError: such numbers are computed, or used as values, too.
    """
    read = [(node, at) for node in self.nodes for at in node.operation.index_inputs]
    found = {node.inputs[at] for node, at in read}
    for node, at in read:
      if node.inputs[at] not in self.inputs:
        raise TflmPatchError(
          f'"{node.name}": what it looks up is computed; make the numbers an input of the model'
        )
    for node in self.nodes:
      if found.intersection(node.scaled_inputs):
        raise TflmPatchError(
          f'"{node.name}": takes numbers that are looked up elsewhere as values; give the model '
          'another input for these'
        )
    return found

  def replace(self, old: Value, new: Value) -> None:
    """Lets everything that reads `old` read `new`."""
    for node in self.nodes:
      node.inputs = tuple(new if each is old else each for each in node.inputs)
    self.outputs = [new if each is old else each for each in self.outputs]

  def remove(self, node: Node) -> None:
    """Removes a node; its readers read its first input."""
    self.nodes.remove(node)
    self.replace(node.output, node.input)

  def insert_after(self, place: Node, nodes: Iterable[Node]) -> None:
    """Puts nodes after another one."""
    index = self.nodes.index(place) + 1
    self.nodes[index:index] = list(nodes)

  def insert_before(self, place: Node, nodes: Iterable[Node]) -> None:
    """Puts nodes before another one."""
    index = self.nodes.index(place)
    self.nodes[index:index] = list(nodes)

  def drop_unused(self) -> None:
    """Removes nodes whose output nobody reads."""
    needed = {id(value) for value in self.outputs}
    kept = []
    for node in reversed(self.nodes):
      if id(node.output) in needed:
        kept.append(node)
        needed.update(id(value) for value in node.inputs)
    self.nodes = kept[::-1]
