# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The constants of a stage: weights, biases, multipliers, tables, in flash."""

from __future__ import annotations

import numpy as np

ALIGNMENT = 16


class ConstantPool:
  """Collects arrays and gives each its offset; equal arrays are stored once."""

  def __init__(self) -> None:
    self._data = bytearray()
    self._offsets: dict[tuple[bytes, int], int] = {}

  def add(self, array: np.ndarray, alignment: int = 4) -> int:
    """Stores an array (little-endian, C order).

    Args:
      array: Any numpy array.
      alignment: Of the offset in bytes.

    Returns:
      The array's offset in bytes.
    """
    raw = np.ascontiguousarray(array).tobytes()
    key = (raw, alignment)
    if key not in self._offsets:
      self._data += bytes(-len(self._data) % alignment)
      self._offsets[key] = len(self._data)
      self._data += raw
    return self._offsets[key]

  def finish(self) -> bytes:
    """All constants; never empty, since TFLite has no empty constant."""
    data = bytes(self._data)
    return data if data else bytes(ALIGNMENT)
