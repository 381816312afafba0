# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Keras model as a float network: its graph is walked, layer by layer.

Nested models are walked where they are called. Every layer's class has a handler in
`quantization/layers`, found by name; a class that Keras does not define may bring its own
(`register_layer`).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.layers import handler_of
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.model_io import input_name
from tflm_patch.quantization.network import Network, Node, Shape, Value
from tflm_patch.quantization.operators.base import Operation

MAX_NESTING = 32
_NUMBER = re.compile(r'keras_tensor_(\d+)', re.ASCII)

# Reads a weight of a layer, by the name of the attribute.
Read = Callable[[Any, str], np.ndarray]

# Is told of a layer or function, what it is called with, and the nodes that it became.
SeeLayer = Callable[[Any, Sequence[Value], Sequence[Node]], None]


def read_weight(layer: Any, name: str) -> np.ndarray:
  """float32, as it is now."""
  return as_float32(getattr(layer, name))


def capture(
  model: Any, read: Read = read_weight, see: SeeLayer | None = None, allows_gelu: bool = False
) -> Network:
  """The float network of a Keras model, as it stands: one node an operation.

  Args:
    model: A functional or Sequential model, built.
    read: Gives the weights of layers.
    see: Is told of every layer, those within others before these.
    allows_gelu: `replace_gelu` follows; it is refused otherwise.

  Raises:
    TflmPatchError: the model has no graph, or a layer is not supported.
  """
  return _Capture(read, see, allows_gelu).run(model)


class _Capture:
  """One walk."""

  def __init__(self, read: Read, see: SeeLayer | None, allows_gelu: bool) -> None:
    self.read = read
    self.allows_gelu = allows_gelu
    self._nodes: list[Node] = []
    self._names: dict[str, int] = {}
    self._see = see

  def run(self, model: Any) -> Network:
    graph = graph_of(model, model.name)
    inputs = [self._input(tensor) for tensor in graph.inputs]
    outputs = self._model(graph, inputs, '')
    for value in outputs:
      if any(value is each for each in inputs) or value.constant is not None:
        raise TflmPatchError(
          f'{model.name}: its output "{value.name}" is not computed from its inputs; '
          f'leave it out of the outputs'
        )
    return Network(inputs, outputs, self._nodes)

  # What handlers use, through `Call`.

  def add(self, operation: Operation, inputs: Sequence[Value], name: str) -> Value:
    """Appends a node; gives its output."""
    name = self._unique(name)
    value = Value(operation.output_shape([each.shape for each in inputs]), name)
    self._nodes.append(Node(operation, tuple(inputs), value, name))
    return value

  def layer(self, layer: Any, inputs: Any, path: str) -> Any:
    """What a layer makes of values, nested as Keras nests them."""
    return self._call(layer, (inputs,), {}, path)

  # Inside.

  def _input(self, tensor: Any) -> Value:
    name = input_name(tensor)
    return Value(_shape_of(tensor, name), self._unique(name))

  def _model(self, graph: Any, inputs: Sequence[Value], prefix: str) -> list[Value]:
    if prefix.count('/') > MAX_NESTING:
      raise TflmPatchError(f'{prefix}: models are nested more than {MAX_NESTING} deep')
    known = {id(tensor): value for tensor, value in zip(graph.inputs, inputs)}
    for node in ordered_nodes(graph):
      if node.is_input or any(id(each) not in known for each in node.input_tensors):
        continue  # nodes of other calls of the same layer
      args, kwargs = filled_arguments(node.arguments, known)
      path = prefix + node.operation.name
      results = flattened(self._call(node.operation, args, kwargs, path))
      for tensor, value in zip(node.output_tensors, results):
        known[id(tensor)] = value
        self._check_shape(path, tensor, value)
    return [known[id(tensor)] for tensor in graph.outputs]

  def _call(self, operation: Any, args: Any, kwargs: Any, path: str) -> Any:
    if is_model(operation):
      graph = graph_of(operation, path)
      values = [each for each in flattened(args) if isinstance(each, Value)]
      return self._model(graph, values, f'{path}/')
    call = Call(self, operation, path, args, kwargs)
    first = len(self._nodes)
    result = handler_of(operation, path)(call)
    if self._see is not None:
      self._see(operation, call.inputs, self._nodes[first:])
    return result

  def _check_shape(self, path: str, tensor: Any, value: Value) -> None:
    # Sizes that Keras leaves open between layers follow from those of the inputs.
    known = (1, *tensor.shape[1:])
    if len(known) != value.rank or any(a not in (None, b) for a, b in zip(known, value.shape)):
      raise TflmPatchError(
        f'"{path}": Keras says its output is {list(known)}, the writer {list(value.shape)}; '
        f'use --backend tensorflow, and please report it'
      )

  def _unique(self, name: str) -> str:
    count = self._names.get(name, 0)
    self._names[name] = count + 1
    return name if count == 0 else f'{name}_{count}'


def is_model(operation: Any) -> bool:
  """Whether it is a model within a model."""
  import keras

  return isinstance(operation, (keras.Model, keras.Function))


def graph_of(model: Any, path: str) -> Any:
  """The object that has the nodes of a model."""
  import keras

  if isinstance(model, keras.Sequential):
    if not model.built or getattr(model, '_functional', None) is None:
      raise TflmPatchError(
        f'{path}: the Sequential model has no input shape; begin it with keras.Input'
      )
    return model._functional
  if getattr(model, '_nodes_by_depth', None) is None:
    raise TflmPatchError(
      f'{path}: a model with a call() of its own has no graph of layers; build it with the '
      f'functional API, or use --backend tensorflow'
    )
  return model


def ordered_nodes(graph: Any) -> Iterable[Any]:
  """Nodes in the order in which they were created, as far as their inputs allow.

  Keras keeps them by their distance to the outputs alone, which would put the branches of a
  detector in any order; what a model needs of memory depends on it.
  """
  by_depth = graph._nodes_by_depth
  nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
  maker = {id(tensor): k for k, node in enumerate(nodes) for tensor in node.output_tensors}
  readers: list[list[int]] = [[] for _ in nodes]
  waits = [0] * len(nodes)
  for k, node in enumerate(nodes):
    for source in {maker[id(each)] for each in node.input_tensors if id(each) in maker} - {k}:
      readers[source].append(k)
      waits[k] += 1
  ready = [(_created(node), k) for k, node in enumerate(nodes) if not waits[k]]
  heapq.heapify(ready)
  while ready:
    _, k = heapq.heappop(ready)
    yield nodes[k]
    for reader in readers[k]:
      waits[reader] -= 1
      if not waits[reader]:
        heapq.heappush(ready, (_created(nodes[reader]), reader))


def _created(node: Any) -> int:
  """Keras numbers its tensors; 0 where they have a name of their own."""
  numbers = [_NUMBER.fullmatch(str(each.name)) for each in node.output_tensors]
  return max((int(found[1]) for found in numbers if found), default=0)


def filled_arguments(arguments: Any, known: Mapping[int, Any]) -> tuple[Any, dict[str, Any]]:
  """The arguments of a call with what is known of Keras' symbolic tensors, by their `id`."""
  import keras

  def fill(each: Any) -> Any:
    return known[id(each)] if isinstance(each, keras.KerasTensor) else each

  args = keras.tree.map_structure(fill, arguments.args)
  return args, keras.tree.map_structure(fill, arguments.kwargs)


def flattened(structure: Any) -> list[Any]:
  """Leaves of lists, tuples and dictionaries."""
  if isinstance(structure, dict):
    return [leaf for key in structure for leaf in flattened(structure[key])]
  if isinstance(structure, (list, tuple)):
    return [leaf for each in structure for leaf in flattened(each)]
  return [structure]


def _shape_of(tensor: Any, path: str) -> Shape:
  """With batch 1."""
  shape = tuple(tensor.shape)
  if not shape or shape[0] not in (None, 1):
    raise TflmPatchError(f'"{path}" has shape {shape}; the batch must be open or 1')
  if any(size is None for size in shape[1:]):
    raise TflmPatchError(
      f'"{path}" has the open shape {shape}; a microcontroller needs fixed sizes: give '
      f'keras.Input all of them'
    )
  return (1, *(int(size) for size in shape[1:]))


def as_float32(values: Any) -> np.ndarray:
  """Weights of any backend and type as numpy float32."""
  from keras import ops

  return np.asarray(ops.convert_to_numpy(ops.cast(values, 'float32')), np.float32)
