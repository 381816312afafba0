# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The zip of associated files (labels, vocabularies) behind a model's flatbuffer.

Metadata tools append a zip archive to the model file. Its directory counts
offsets from the start of the whole file, so they change with the flatbuffer's
size; readers differ in how much of a shift they forgive.
"""

from __future__ import annotations

import struct

_END = struct.Struct('<4s4H2LH')  # end of central directory record
_END_MAGIC = b'PK\x05\x06'
_ENTRY_MAGIC = b'PK\x01\x02'
_FILE_MAGIC = b'PK\x03\x04'
_ENTRY_BYTES = 46
_ENTRY_OFFSET_AT = 42
_MAX_COMMENT = 0xFFFF


def find_zip(data: bytes, start: int) -> tuple[int, list[int]] | None:
  """Finds the zip archive at the end of a file.

  Args:
    data: The file.
    start: Where the archive may start at the earliest.

  Returns:
    Offset of its first byte, and offsets of all fields that hold an offset (they
    count from a common origin); None when the file does not end with an archive.
  """
  end_at = data.rfind(_END_MAGIC, max(start, len(data) - _END.size - _MAX_COMMENT))
  if end_at < 0 or end_at + _END.size > len(data):
    return None
  fields = _END.unpack_from(data, end_at)
  disk, directory_disk, _, entries, directory_bytes, directory_offset, comment = fields[1:]
  directory_at = end_at - directory_bytes
  if disk or directory_disk or end_at + _END.size + comment != len(data):
    return None
  if directory_at < start:
    return None
  shift = directory_at - directory_offset
  first, offset_fields = directory_at, [end_at + 16]
  at = directory_at
  for _ in range(entries):
    if at + _ENTRY_BYTES > end_at or data[at : at + 4] != _ENTRY_MAGIC:
      return None
    (offset,) = struct.unpack_from('<L', data, at + _ENTRY_OFFSET_AT)
    file_at = offset + shift
    if not start <= file_at < directory_at or data[file_at : file_at + 4] != _FILE_MAGIC:
      return None
    first = min(first, file_at)
    offset_fields.append(at + _ENTRY_OFFSET_AT)
    at += _ENTRY_BYTES + sum(struct.unpack_from('<3H', data, at + 28))
  return first, offset_fields


def split_trailer(data: bytes, end: int) -> bytes:
  """What lies behind a flatbuffer of `end` bytes, as bytes that stand alone.

  A zip archive is returned with offsets from its own start; anything else that
  is not just zero padding, as it is.
  """
  found = find_zip(data, end)
  if found is None:
    rest = data[end:]
    return rest if rest.strip(b'\0') else b''
  return place_trailer(data[found[0] :], 0)


def place_trailer(trailer: bytes, base: int) -> bytes:
  """The trailer for a file in which it starts at offset `base`."""
  found = find_zip(trailer, 0)
  if found is None:
    return trailer
  _, offset_fields = found
  end_at = offset_fields[0] - 16
  _, _, _, _, _, directory_bytes, directory_offset, _ = _END.unpack_from(trailer, end_at)
  change = base + end_at - directory_bytes - directory_offset
  placed = bytearray(trailer)
  for at in offset_fields:
    (offset,) = struct.unpack_from('<L', placed, at)
    struct.pack_into('<L', placed, at, offset + change)
  return bytes(placed)
