# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes dilated convolutions as TensorFlow does: between SPACE_TO_BATCH_ND and its inverse."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model

_NAMES = {1: 'RELU', 3: 'RELU6'}


def as_tensorflow_writes(model: Model, lost_batch: bool = True, line: bool = False) -> bytes:
  """The same network with every dilated convolution as a chain of three operators.

  Args:
    model: Of batch size 1.
    lost_batch: All shapes have batch size 1, as in exports of a free batch size.
    line: Maps have one row, which the ends of the chain do not see (Keras' Conv1D).
  """
  return serialize_model(_Chains(model, lost_batch, line).run())


class _Chains:
  def __init__(self, model: Model, lost_batch: bool, line: bool):
    self._model = model
    self._lost = lost_batch
    self._line = line
    self._graph = dataclasses.replace(model.main, tensors=list(model.main.tensors), operators=[])

  def run(self) -> Model:
    for operator in self._model.main.operators:
      fields = vars(operator.options) if operator.options is not None else {}
      factors = fields.get('dilationHFactor', 1), fields.get('dilationWFactor', 1)
      if factors == (1, 1):
        self._graph.operators.append(operator)
      else:
        self._write(operator, factors)
    return dataclasses.replace(self._model, subgraphs=[self._graph])

  def _write(self, operator: Operator, factors: tuple[int, int]) -> None:
    graph: Subgraph = self._graph
    source, target = operator.inputs[0], operator.outputs[0]
    options = copy.copy(operator.options)
    weights = graph.tensors[operator.inputs[1]]
    pads, crops, images = self._geometry(operator, factors)
    options.dilationHFactor = options.dilationWFactor = 1
    options.padding, activation = 1, options.fusedActivationFunction
    options.fusedActivationFunction = 0
    batch = 1 if self._lost else factors[0] * factors[1]
    channels = graph.tensors[source].shape[3], graph.tensors[target].shape[3]
    made = [n - k + 1 for n, k in zip(images, weights.shape[1:3])]
    between = graph.tensors[target].quantization
    if activation:
      assert between is not None
      between = Quantization(between.scales * np.float32(1.7), between.zero_points * 0 + 9)
    first = self._like(source, (batch, *images, channels[0]))
    second = self._like(target, (batch, *made, channels[1]), between)
    whole = target if not activation else self._like(target, graph.tensors[target].shape, between)
    self._moved('SPACE_TO_BATCH_ND', source, first, factors, pads)
    graph.operators.append(
      dataclasses.replace(
        operator, inputs=(first, *operator.inputs[1:]), outputs=(second,), options=options
      )
    )
    self._moved('BATCH_TO_SPACE_ND', second, whole, factors, crops)
    if activation:
      graph.operators.append(Operator(_NAMES[activation], (whole,), (target,)))

  def _geometry(self, operator: Operator, factors: tuple[int, int]):
    """TensorFlow's required_space_to_batch_paddings: pads, crops, size of the images."""
    graph = self._graph
    sizes = graph.tensors[operator.inputs[0]].shape[1:3]
    kernel = graph.tensors[operator.inputs[1]].shape[1:3]
    pads, crops, images = [], [], []
    for size, k, factor in zip(sizes, kernel, factors):
      total = (k - 1) * factor if operator.options.padding == 0 else 0
      extra = -(size + total) % factor
      pads.append((total // 2, total - total // 2 + extra))
      crops.append((0, extra))
      images.append((size + total + extra) // factor)
    return pads, crops, images

  def _moved(self, opcode: str, source: int, target: int, factors, pads) -> None:
    if not self._line:
      inputs = source, self._int32(factors), self._int32(pads)
      self._graph.operators.append(Operator(opcode, inputs, (target,)))
      return
    flat = [self._like(t, self._without_rows(t)) for t in (source, target)]
    self._reshape(source, flat[0], 'RESHAPE')
    inputs = flat[0], self._int32(factors[1:]), self._int32(pads[1:])
    self._graph.operators.append(Operator(opcode, inputs, (flat[1],)))
    self._reshape(flat[1], target, 'EXPAND_DIMS')

  def _reshape(self, source: int, target: int, opcode: str) -> None:
    shape = 1 if opcode == 'EXPAND_DIMS' else self._graph.tensors[target].shape
    self._graph.operators.append(Operator(opcode, (source, self._int32(shape)), (target,)))

  def _without_rows(self, index: int) -> tuple[int, ...]:
    batch, rows, cols, channels = self._graph.tensors[index].shape
    assert rows == 1
    return batch, cols, channels

  def _like(self, index: int, shape, quantization: Quantization | None = None) -> int:
    tensor = self._graph.tensors[index]
    self._graph.tensors.append(
      Tensor(
        f'{tensor.name}/chain_{len(self._graph.tensors)}',
        tuple(shape),
        tensor.dtype,
        quantization=quantization or tensor.quantization,
      )
    )
    return len(self._graph.tensors) - 1

  def _int32(self, values) -> int:
    array = np.asarray(values, '<i4')
    self._graph.tensors.append(
      Tensor(
        f'numbers_{len(self._graph.tensors)}',
        array.shape,
        DType.INT32,
        np.frombuffer(array.tobytes(), np.uint8),
      )
    )
    return len(self._graph.tensors) - 1
