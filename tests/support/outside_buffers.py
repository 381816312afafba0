# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Moves a model's constants behind its flatbuffer, as tools for large models write them."""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_ALIGNMENT = 16


def with_buffers_outside(data: bytes, least_bytes: int = 1) -> bytes:
  """The same model with `Buffer.offset` and `size` in place of `data`.

  Args:
    data: A .tflite file.
    least_bytes: Smaller buffers stay inside.
  """
  tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
  moved = []
  for buffer in tree.buffers:
    if buffer.data is not None and len(buffer.data) >= least_bytes:
      moved.append((buffer, bytes(bytearray(buffer.data))))
      buffer.data = None
  # Offsets count from the file's start, so its size must be known: it does not depend on them.
  for buffer, content in moved:
    buffer.offset, buffer.size = 1 << 20, len(content)
  at = len(packed(tree))
  parts = []
  for buffer, content in moved:
    padding = -at % _ALIGNMENT
    parts.append(bytes(padding) + content)
    buffer.offset = at + padding
    at += padding + len(content)
  return packed(tree) + b''.join(parts)


def packed(tree: schema.ModelT) -> bytes:
  """The schema's objects as a file."""
  builder = flatbuffers.Builder(1 << 16)
  builder.Finish(tree.Pack(builder), b'TFL3')
  return bytes(builder.Output())
