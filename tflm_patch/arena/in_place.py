# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Stock operators that may write their output over their input.

TFLM's planner never lets them, though some kernels of its are exact in place: those that
go through the elements in order, read each before they write it, and write no further than
they have read. A write of int8 or uint8 may alias anything in C++, so no compiler may move
a later read of another type before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tflm_patch.arena import operators
from tflm_patch.arena.live_ranges import LiveRange
from tflm_patch.graph.types import DType, Model, Subgraph, Tensor

_EIGHT_BITS = (DType.INT8, DType.UINT8)


def _quantize(source: Tensor, target: Tensor) -> bool:
  """Element by element, AffineQuantize and Requantize alike."""
  is_bytewise = target.dtype in _EIGHT_BITS or source.dtype == target.dtype
  return is_bytewise and source.elements == target.elements


def _reshape(source: Tensor, target: Tensor) -> bool:
  """It copies nothing where input and output are the same memory."""
  sizes = {operators.tensor_bytes(tensor) for tensor in (source, target)}
  return source.dtype == target.dtype and len(sizes) == 1 and -1 not in target.shape


_RULES: dict[str, Callable[[Tensor, Tensor], bool]] = {'QUANTIZE': _quantize, 'RESHAPE': _reshape}


def shared(
  model: Model, buffers: Sequence[LiveRange], kept: Collection[int] = ()
) -> dict[int, int]:
  """Buffers of the main subgraph that may begin where another one does.

  Args:
    model: The model.
    buffers: As `live_ranges.find` gives them.
    kept: Tensors whose bytes must stay.

  Returns:
    Position of an output in `buffers` -> that of the input, which is at least as large and
    is read for the last time by the operator that makes the output.
  """
  if not model.subgraphs:
    return {}
  graph = model.main
  at = {
    buffer.tensor: i
    for i, buffer in enumerate(buffers)
    if buffer.subgraph == 0 and buffer.tensor is not None and buffer.offset is None
  }
  found = {}
  for source, target in _pairs(graph, {*kept, *graph.outputs}):
    if source in at and target in at:
      a, b = buffers[at[source]], buffers[at[target]]
      if a.last == b.first and a.size >= b.size:
        found[at[target]] = at[source]
  return found


def _pairs(graph: Subgraph, kept: Collection[int]) -> list[tuple[int, int]]:
  """(input, output) of the operators that may do so."""
  made = [t for op in graph.operators for t in op.outputs]
  pairs = []
  for op in graph.operators:
    rule = _RULES.get(op.opcode)
    if rule is None or not op.inputs or len(op.outputs) != 1:
      continue
    source, target = op.inputs[0], op.outputs[0]
    if min(source, target) < 0 or source in kept or target in graph.inputs:
      continue
    is_plain = op.inputs.count(source) == 1 and source != target and made.count(target) == 1
    if is_plain and rule(graph.tensors[source], graph.tensors[target]):
      pairs.append((source, target))
  return pairs
