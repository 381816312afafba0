# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators of two maps share: broadcasting."""

from __future__ import annotations

from tflm_patch.codegen.c_text import call
from tflm_patch.codegen.operators.base import Code, Writer, is_type, type_name
from tflm_patch.graph.types import DType
from tflm_patch.program.decode import Map


def emit_binary(w: Writer, kernel: str) -> Code:
  """Calls of a row kernel, one a row, or one a cell where columns are broadcast.

  Args:
    w: The operator's writer.
    kernel: output[i] from a[i * a_step] and b[i * b_step]; its arguments begin with
      the parameter record and, but for int16, the two zero points when the kind has a
      record.
  """
  target = w.op.outputs[0]
  a, b = w.op.inputs
  leading = [w.record(), a.zero_point, b.zero_point] if w.params else []
  value = type_name(target)
  if is_type(target, DType.INT16):
    leading = leading[:1]  # zero points are 0
  operands = [w.row(m, '0' if m.rows == 1 else None, value) for m in (a, b)]
  if _whole_row(a, target) and _whole_row(b, target):
    return Code(
      (
        call(
          kernel,
          *leading,
          operands[0],
          _step(a, target),
          operands[1],
          _step(b, target),
          w.row(target, None, value),
          target.row_values,
        ),
      )
    )
  cells = [
    f'{row} + col * {m.channels}' if m.cols == target.cols else row
    for row, m in zip(operands, (a, b))
  ]
  return Code(
    (
      f'for (uint32_t col = 0; col < {target.cols}; ++col) {{',
      '  '
      + call(
        kernel,
        *leading,
        cells[0],
        _step(a, target),
        cells[1],
        _step(b, target),
        f'{w.row(target, None, value)} + col * {target.channels}',
        target.channels,
      ),
      '}',
    )
  )


def _is_one_value(m: Map) -> bool:
  return m.cols == 1 and m.channels == 1


def _whole_row(m: Map, target: Map) -> bool:
  """Whether one step holds for the whole row."""
  return _is_one_value(m) or (m.cols == target.cols and m.channels == target.channels)


def _step(m: Map, target: Map) -> int:
  return int(m.channels == target.channels and not _is_one_value(m))
