# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A flash of two slots whose power can fail."""

from __future__ import annotations

import ctypes

READ = ctypes.CFUNCTYPE(
  ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32
)
ERASE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)


class FlashStruct(ctypes.Structure):
  """tflm_patch_flash."""

  _fields_ = (
    ('context', ctypes.c_void_p),
    ('slot_bytes', ctypes.c_uint32),
    ('read', READ),
    ('erase', ERASE),
    ('write', READ),
  )


class Flash:
  """Two slots in memory.

  Args:
    slot_bytes: Of one.

  Attributes:
    data: What it holds.
    left: Bytes that can still be erased or written before power fails; None for no limit.
  """

  def __init__(self, slot_bytes: int) -> None:
    self.data = bytearray(b'\xff' * 2 * slot_bytes)
    self.left: int | None = None
    self.written = 0
    self.struct = FlashStruct(
      None, slot_bytes, READ(self._read), ERASE(self._erase), READ(self._write)
    )

  @property
  def pointer(self) -> object:
    return ctypes.byref(self.struct)

  def _read(self, context: object, at: int, to: int, count: int) -> int:
    del context
    ctypes.memmove(to, bytes(self.data[at : at + count]), count)
    return 0

  def _erase(self, context: object, at: int, count: int) -> int:
    del context
    return self._store(at, b'\xff' * count)

  def _write(self, context: object, at: int, source: int, count: int) -> int:
    del context
    data = ctypes.string_at(source, count)
    assert all(byte == 0xFF for byte in self.data[at : at + count]), 'written without erasing'
    return self._store(at, data)

  def _store(self, at: int, data: bytes) -> int:
    possible = len(data) if self.left is None else min(self.left, len(data))
    self.data[at : at + possible] = data[:possible]
    self.written += possible
    if self.left is not None:
      self.left -= possible
    return int(possible < len(data))
