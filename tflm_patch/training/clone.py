# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Keras model built anew, layer by layer; models within it become part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from tflm_patch.quantization.capture import (
  filled_arguments,
  flattened,
  graph_of,
  is_model,
  ordered_nodes,
)
from tflm_patch.quantization.model_io import input_name

Make = Callable[[Any], Sequence[Any]]


def clone(model: Any, make: Make) -> tuple[Any, dict[int, tuple[Any, Sequence[Any]]]]:
  """Calls new layers as the old ones were called.

  Args:
    model: A functional or Sequential model.
    make: Gives the layers that take the place of a layer, called one after the other; the
      last ones may read several values only if it is one layer.

  Returns:
    The new functional model, not compiled; and for each layer, by its `id`, the layer and
    what took its place.
  """
  run = _Clone(make)
  graph = graph_of(model, model.name)
  inputs = [
    keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=input_name(tensor))
    for tensor in graph.inputs
  ]
  outputs = run.call(graph, inputs)
  made = keras.Model(
    _packed(graph, '_inputs_struct', inputs), _results(graph, outputs), name=model.name
  )
  return made, run.layers


def compiled_like(made: Any, model: Any) -> Any:
  """The new model, compiled with a new optimizer as the old one was, if it was."""
  if getattr(model, 'compiled', False):
    config = model.get_compile_config()
    if config:
      made.compile_from_config(config)
  return made


def copied(layer: Any) -> Any:
  """A new layer of the same configuration."""
  return layer.__class__.from_config(layer.get_config())


class _Clone:
  """One run."""

  def __init__(self, make: Make) -> None:
    self.layers: dict[int, tuple[Any, Sequence[Any]]] = {}
    self._make = make
    self._names: set[str] = set()

  def call(self, graph: Any, inputs: Sequence[Any]) -> list[Any]:
    """What the layers of a graph make of tensors."""
    known = {id(tensor): made for tensor, made in zip(graph.inputs, inputs)}
    for node in ordered_nodes(graph):
      if node.is_input or any(id(each) not in known for each in node.input_tensors):
        continue  # nodes of other calls of the same layer
      args, kwargs = filled_arguments(node.arguments, known)
      results = flattened(self._apply(node.operation, args, kwargs))
      known.update((id(old), new) for old, new in zip(node.output_tensors, results))
    return [known[id(tensor)] for tensor in graph.outputs]

  def _apply(self, operation: Any, args: Any, kwargs: Any) -> Any:
    if is_model(operation):
      tensors = [each for each in flattened(args) if isinstance(each, keras.KerasTensor)]
      return self.call(graph_of(operation, operation.name), tensors)
    if not isinstance(operation, keras.layers.Layer):
      return operation(*args, **kwargs)
    if id(operation) not in self.layers:
      made = self._make(operation)
      for layer in made:
        self._rename(layer)
      self.layers[id(operation)] = (operation, made)
    first, *others = self.layers[id(operation)][1]
    result = first(*args, **kwargs)
    for layer in others:
      result = layer(result)
    return result

  def _rename(self, layer: Any) -> None:
    """Layers of models within models may have the same names."""
    name, count = layer.name, 1
    while layer.name in self._names:
      layer.name = f'{name}_{count}'
      count += 1
    self._names.add(layer.name)


def _packed(graph: Any, attribute: str, tensors: list[Any]) -> Any:
  structure = getattr(graph, attribute, None)
  if structure is None:
    return tensors[0] if len(tensors) == 1 else tensors
  return keras.tree.pack_sequence_as(structure, tensors)


def _results(graph: Any, tensors: list[Any]) -> Any:
  return _packed(graph, '_outputs_struct', tensors)
