# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The constants of a stage as C arrays.

An array begins where an operator refers to it and ends where the next one begins,
so packings of any kernel family keep all their bytes.
"""

from __future__ import annotations

import bisect
import dataclasses
from typing import Any

import numpy as np

from tflm_patch.codegen import c_text
from tflm_patch.program.constants import ALIGNMENT

_NUMPY: dict[str, np.dtype[Any]] = {
  'int8_t': np.dtype('i1'),
  'uint8_t': np.dtype('u1'),
  'uint16_t': np.dtype('<u2'),
  'int16_t': np.dtype('<i2'),
  'int32_t': np.dtype('<i4'),
  'uint32_t': np.dtype('<u4'),
  'tflm_patch_between': np.dtype(('<u2', (2,))),
}


class StageError(ValueError):
  """A stage is damaged, or stranger than those that `convert` makes: no C is made of it."""


@dataclasses.dataclass(frozen=True)
class _Array:
  name: str
  at: int
  type_name: str
  values: int  # at least


class ConstantArrays:
  """Names for places in a stage's constants.

  Args:
    data: The constants.
  """

  def __init__(self, data: bytes) -> None:
    self._data = data
    self._arrays: dict[tuple[int, str], _Array] = {}
    self._left_out: set[int] = set()

  def leave_out(self, at: int) -> None:
    """What begins at an offset is no array here, nor a part of the one before it."""
    self._left_out.add(at)

  def refer(self, at: int, type_name: str, values: int, name: str) -> str:
    """The name of the array at an offset.

    Args:
      at: Offset in bytes.
      type_name: Of an element, in C.
      values: How many elements there are at least.
      name: For an array that has none yet.

    Raises:
      StageError: the constants end before.
    """
    size = _NUMPY[type_name].itemsize
    if at + values * size > len(self._data):
      raise StageError("a stage's constants are shorter than its program says")
    known = self._arrays.get((at, type_name))
    if known is None or known.values < values:
      known = _Array(known.name if known else name, at, type_name, values)
      self._arrays[at, type_name] = known
    return known.name

  @property
  def bytes(self) -> int:
    """Of all arrays."""
    return sum(self._end(array) - array.at for array in self._arrays.values())

  def define(self) -> list[str]:
    """Lines of C.

    Raises:
      StageError: an array begins within another one.
    """
    lines = []
    for array in sorted(self._arrays.values(), key=lambda array: (array.at, array.type_name)):
      dtype = _NUMPY[array.type_name]
      count = (self._end(array) - array.at) // dtype.itemsize
      if count < array.values:
        raise StageError("arrays of a stage's constants overlap")
      raw = self._data[array.at : array.at + count * dtype.itemsize]
      alignment = min(ALIGNMENT, array.at & -array.at or ALIGNMENT)
      definition = f'static _Alignas({alignment}) const {array.type_name} {array.name}[{count}]'
      if array.type_name == 'tflm_patch_between':
        lines += c_text.pairs(definition, np.frombuffer(raw, '<u2').reshape(-1, 2))
      else:
        lines += c_text.array(definition, np.frombuffer(raw, dtype))
      lines.append('')
    return lines

  def _end(self, array: _Array) -> int:
    starts = sorted({at for at, _ in self._arrays} | self._left_out)
    after = bisect.bisect_right(starts, array.at)
    end = starts[after] if after < len(starts) else len(self._data)
    size = _NUMPY[array.type_name].itemsize
    return array.at + (end - array.at) // size * size
