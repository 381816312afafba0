# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""PAD into the convolution or maximum pool behind it."""

from __future__ import annotations

import dataclasses

from tflm_patch.conversion.plugins import Context, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import DType, Subgraph, Tensor

_CONVOLUTIONS = ('CONV_2D', 'DEPTHWISE_CONV_2D')
_VALID = 1


def _is_padded_with_zero_point(tensor: Tensor) -> bool:
  """Whether TFLM's PAD takes the zero point, as a convolution does; for int16 it takes 0."""
  if tensor.dtype == DType.INT16:
    return tensor.quantization is not None and not tensor.quantization.zero_points.any()
  return tensor.dtype == DType.INT8


@register('fold_pad', priority=20)
class FoldPad:
  """Explicit PAD becomes the padding of the convolution that reads it."""

  def match(self, graph: Subgraph, index: int, context: Context) -> tuple[int, int] | None:
    """A PAD of rows and columns with the zero point, read by one VALID convolution."""
    del context
    pad = graph.operators[index]
    if pad.opcode not in ('PAD', 'PADV2') or not graph_edit.has_operands(pad, 2):
      return None
    source, target = graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]]
    pads = graph_edit.constant(graph, pad.inputs[1])
    reader = graph_edit.only_reader(graph, pad.outputs[0])
    if pads is None or reader is None or len(pads) != 8 or min(pads) < 0 or source.is_constant:
      return None
    if len(source.shape) != 4:
      return None
    if pads[0] or pads[1] or pads[6] or pads[7] or not _is_padded_with_zero_point(source):
      return None
    if target.shape != tuple(
      size + pads[2 * i] + pads[2 * i + 1] for i, size in enumerate(source.shape)
    ):
      return None
    if not graph_edit.same_quantization(source.quantization, target.quantization):
      return None
    if len(pad.inputs) > 2:
      value = graph_edit.constant(graph, pad.inputs[2], target.dtype)
      if target.quantization is None or value != [target.quantization.zero_point]:
        return None
    consumer = graph.operators[reader]
    valid = consumer.opcode in _CONVOLUTIONS and consumer.explicit_padding is None
    if not valid or consumer.inputs[0] != pad.outputs[0]:
      return None
    return (index, reader) if getattr(consumer.options, 'padding', 0) == _VALID else None

  def transform(self, graph: Subgraph, match: tuple[int, int]) -> str:
    """Moves the padding into the convolution."""
    index, reader = match
    pad, consumer = graph.operators[index], graph.operators[reader]
    pads = graph_edit.constant(graph, pad.inputs[1])
    assert pads is not None
    graph.operators[reader] = dataclasses.replace(
      consumer,
      inputs=(pad.inputs[0], *consumer.inputs[1:]),
      explicit_padding=(pads[2], pads[3], pads[4], pads[5]),
    )
    graph_edit.remove(graph, index)
    return f'{pad.opcode} {pads[2:6]} into {consumer.opcode}'
