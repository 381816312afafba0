# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of TFLite_Detection_PostProcess that its memory depends on.

They are a flexbuffer in the operator's custom options. Files are untrusted: what is damaged, of
another type or beyond int32 counts as 0, as a missing option does in TFLM.
"""

from __future__ import annotations

import struct

from flatbuffers import flexbuffers

NAME = 'TFLite_Detection_PostProcess'
_LARGEST = (1 << 31) - 1
_MOST_BYTES = 1 << 16  # of options; they are some 200
# What the parser raises on damaged bytes.
_DAMAGED = (
  ArithmeticError,
  AssertionError,
  AttributeError,
  LookupError,
  TypeError,
  ValueError,
  struct.error,
)


def sizes(custom_options: bytes) -> tuple[int, int]:
  """max_detections and num_classes, 0 where they are not to be had."""
  return _integer(custom_options, 'max_detections'), _integer(custom_options, 'num_classes')


def _integer(custom_options: bytes, name: str) -> int:
  if not 3 <= len(custom_options) <= _MOST_BYTES:
    return 0
  try:
    root = flexbuffers.GetRoot(custom_options)
    found = root.AsMap[name] if root.IsMap else None
    value = found.AsInt if found is not None and found.IsInt else 0
  except _DAMAGED:
    return 0
  return value if 0 <= value <= _LARGEST else 0
