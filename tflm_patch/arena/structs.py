# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sizes of TFLM's C++ structures, computed from their fields.

A structure is written as a string, one letter a field: b for one byte (bool,
int8_t), h for two, i for four (int, float, enums declared to be ints), q for eight
(int64_t, double), e for any other enum, and p for a pointer or size_t. A number in
front repeats a field, parentheses enclose a nested structure; fields in square
brackets exist only in builds with tensor compression, those in curly ones only in
builds with block-wise quantized weights.
"""

from __future__ import annotations

import dataclasses
import functools
import re

_SIZES = {'b': 1, 'h': 2, 'i': 4, 'q': 8}
_IF_COMPRESSION = re.compile(r'\[([^]]*)\]')
_IF_BLOCKWISE = re.compile(r'\{([^}]*)\}')


@dataclasses.dataclass(frozen=True)
class Build:
  """What decides the structures' layout in a build of TFLM.

  Attributes:
    pointer_bytes: 8 or 4.
    enum_bytes: 4, or 1 where an enum is as short as its values allow, as in Arm's ABI
      for bare metal (arm-none-eabi).
    recording: The allocator keeps records of what it allocates, as it does in the
      Python interpreter.
    compression: Built with support for compressed tensors (USE_TFLM_COMPRESSION).
    blockwise: TFLM since October 2026, in which a FULLY_CONNECTED carries the
      description of block-wise quantized weights.
  """

  pointer_bytes: int
  enum_bytes: int = 4
  recording: bool = False
  compression: bool = False
  blockwise: bool = True


# The wheels tflite-micro 0.dev20261023182759 and 0.dev20260925222358.
WHEEL_2026_10 = Build(pointer_bytes=8, recording=True, compression=True)
WHEEL_2026_09 = dataclasses.replace(WHEEL_2026_10, blockwise=False)
# The interpreter of a firmware on a Cortex-M, on a 32-bit target whose enums are ints (ESP32,
# RISC-V), and on a 64-bit one.
FIRMWARE_32 = Build(pointer_bytes=4, enum_bytes=1)
FIRMWARE_32_INT_ENUMS = Build(pointer_bytes=4)
FIRMWARE_64 = Build(pointer_bytes=8)

_FIRST_BLOCKWISE_WHEEL = '0.dev20261001'


def wheel_build(version: str) -> Build:
  """The build of a tflite-micro wheel, from its version ('0.dev20261023182759')."""
  return WHEEL_2026_10 if version >= _FIRST_BLOCKWISE_WHEEL else WHEEL_2026_09


def firmware_build(pointer_bytes: int) -> Build:
  """The build of a firmware on a target with pointers of 4 or 8 bytes.

  Raises:
    ValueError: it is neither.
  """
  for build in (FIRMWARE_32, FIRMWARE_64):
    if build.pointer_bytes == pointer_bytes:
      return build
  raise ValueError(f'pointers have 4 or 8 bytes, not {pointer_bytes}')


@functools.cache
def layout(fields: str, build: Build) -> tuple[int, int]:
  """Size and alignment of a structure in bytes; (0, 1) when it has no fields.

  Raises:
    ValueError: the description is malformed.
  """
  fields = _IF_COMPRESSION.sub(r'\1' if build.compression else '', fields)
  fields = _IF_BLOCKWISE.sub(r'\1' if build.blockwise else '', fields)
  sizes = {**_SIZES, 'e': build.enum_bytes, 'p': build.pointer_bytes}
  size, alignment, end = _layout(fields, 0, sizes)
  if end != len(fields):
    raise ValueError(f'unbalanced parentheses in {fields!r}')
  return size, alignment


def size_of(fields: str, build: Build) -> int:
  """Bytes of a structure."""
  return layout(fields, build)[0]


def align_up(value: int, alignment: int) -> int:
  """The first multiple of `alignment` from `value` on."""
  return -(-value // alignment) * alignment


def int_array_bytes(elements: int) -> int:
  """Bytes of a TfLiteIntArray."""
  return 4 + 4 * elements


def _layout(fields: str, start: int, sizes: dict[str, int]) -> tuple[int, int, int]:
  """Size, alignment, and where the description of the structure ends."""
  size, widest, count = 0, 1, ''
  at = start
  while at < len(fields) and fields[at] != ')':
    letter = fields[at]
    at += 1
    if letter.isdigit():
      count += letter
      continue
    if letter == '(':
      field, alignment, at = _layout(fields, at, sizes)
      if at == len(fields):
        raise ValueError(f'unbalanced parentheses in {fields!r}')
      at += 1
    elif letter in sizes:
      field = alignment = sizes[letter]
    else:
      raise ValueError(f'unknown field {letter!r} in {fields!r}')
    size = align_up(size, alignment) + field * int(count or 1)
    widest = max(widest, alignment)
    count = ''
  return align_up(size, widest), widest, at
