# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE at a model input and DEQUANTIZE at a model output, with --int8-io."""

from __future__ import annotations

import dataclasses

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import DType, Subgraph, Tensor


def _reversible(outer: Tensor, inner: Tensor) -> bool:
  """Whether the application can make the int8 values itself, without loss."""
  if inner.dtype != DType.INT8 or inner.quantization is None:
    return False
  if outer.dtype == DType.FLOAT32:
    return True
  return (
    outer.dtype == DType.UINT8
    and outer.quantization is not None
    and outer.quantization.scale == inner.quantization.scale
    and outer.quantization.zero_point - inner.quantization.zero_point == 128
  )


@register('boundary_quantize', priority=40)
class BoundaryQuantize:
  """With --int8-io, the model's inputs and outputs become the quantized tensors."""

  def match(self, graph: Subgraph, index: int, context: Context) -> int | None:
    """A QUANTIZE that alone reads an input, or a DEQUANTIZE that makes an output."""
    if not context.int8_io:
      return None
    operator = graph.operators[index]
    if not graph_edit.has_operands(operator, 1):
      return None
    source, target = operator.inputs[0], operator.outputs[0]
    if operator.opcode == 'QUANTIZE' and source in graph.inputs:
      fits = _reversible(graph.tensors[source], graph.tensors[target])
      fits = fits and source not in graph.outputs and target not in graph.outputs
      return index if fits and graph_edit.readers(graph, source) == [index] else None
    if operator.opcode == 'DEQUANTIZE' and target in graph.outputs:
      inner_tensor = graph.tensors[source]
      fits = inner_tensor.dtype == DType.INT8 and inner_tensor.quantization is not None
      fits = fits and not graph_edit.readers(graph, target)
      inner = source not in graph.inputs and source not in graph.outputs
      return index if fits and inner and not graph.tensors[source].is_constant else None
    return None

  def transform(self, graph: Subgraph, match: int) -> str:
    """The model's tensor becomes quantized; the operator goes."""
    operator = graph.operators[match]
    source, target = operator.inputs[0], operator.outputs[0]
    model_tensor, inner = (source, target) if operator.opcode == 'QUANTIZE' else (target, source)
    # The model's own tensor keeps its index, so that signatures stay valid.
    graph.tensors[model_tensor] = dataclasses.replace(
      graph.tensors[inner],
      name=graph.tensors[model_tensor].name,
      shape=graph.tensors[model_tensor].shape,
      origin=None,
    )
    graph_edit.remove(graph, match)
    graph_edit.rewire(graph, inner, model_tensor)
    maker = graph_edit.producer(graph, inner)
    if maker is not None:
      made = graph.operators[maker]
      graph.operators[maker] = dataclasses.replace(
        made, outputs=tuple(model_tensor if t == inner else t for t in made.outputs)
      )
    return f'{operator.opcode} of "{graph.tensors[model_tensor].name}" folded into the model'
