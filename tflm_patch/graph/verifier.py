# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks that a flatbuffer stays inside its bytes, before anything reads it.

Every table, vector and string that a reader of the TFLite schema can reach is
visited once per reference. The schema has no recursive tables, so the depth is
bounded; the number of visits and the bytes visited are bounded by the size of
the file, so that references to shared parts cannot make a reader's work explode.
"""

from __future__ import annotations

import dataclasses
import functools
import struct

from tflm_patch.graph.schema_tables import TABLES, UNIONS

_MIN_VISITS = 4096
_MIN_BYTES = 1 << 20


class Malformed(ValueError):
  """The bytes are no flatbuffer of the schema; the message says where."""


@dataclasses.dataclass(frozen=True)
class Extent:
  """What a verified flatbuffer covers.

  Attributes:
    end: Offset behind its last byte (padding not counted).
    unknown: Tables with fields, and unions with members, that are newer than the
      schema known here; a reader does not see them.
  """

  end: int
  unknown: tuple[str, ...]


@functools.cache
def _fields(table: str) -> tuple[tuple[str, int, str], ...]:
  """(kind, inline bytes, argument) of each vtable slot of a table."""
  fields: list[tuple[str, int, str]] = []
  for word in TABLES.get(table, '').split():
    if word.isdigit():
      fields.append(('scalar', int(word), ''))
    elif word.startswith('|'):
      fields.append(('type', 1, ''))
      fields.append(('union', 4, word[1:]))
    elif word == 's':
      fields.append(('string', 4, ''))
    elif word.startswith('['):
      kind = 'scalars' if word[1:].isdigit() else 'tables'
      fields.append((kind, 4, word[1:]))
    else:
      fields.append(('table', 4, word))
  return tuple(fields)


class _Verifier:
  """One walk over a file."""

  def __init__(self, data: bytes) -> None:
    self._data = data
    self._visits_left = max(_MIN_VISITS, len(data) // 4)
    self._bytes_left = max(_MIN_BYTES, 4 * len(data))
    self.end = 0
    self.unknown: set[str] = set()

  def _number(self, layout: str, at: int, what: str) -> int:
    if at < 0 or at + struct.calcsize(layout) > len(self._data):
      raise Malformed(f'{what} lies outside the file')
    return struct.unpack_from(layout, self._data, at)[0]

  def _cover(self, at: int, size: int, what: str) -> None:
    if at < 0 or at + size > len(self._data):
      raise Malformed(f'{what} leaves the file')
    self._bytes_left -= size
    if self._bytes_left < 0:
      raise Malformed('its parts overlap far too often')
    self.end = max(self.end, at + size)

  def _follow(self, at: int, what: str) -> int:
    offset = self._number('<I', at, what)
    if offset == 0:
      raise Malformed(f'{what} points to itself')
    return at + offset

  def _vector(self, at: int, item_bytes: int, what: str) -> tuple[int, int]:
    count = self._number('<I', at, what)
    self._cover(at, 4 + count * item_bytes, what)
    return at + 4, count

  def _string(self, at: int, what: str) -> None:
    start, length = self._vector(at, 1, what)
    self._cover(start, length + 1, what)
    if self._data[start + length] != 0:
      raise Malformed(f'{what} is not terminated')

  def table(self, name: str, at: int) -> None:
    """Checks a table and all that it refers to."""
    self._visits_left -= 1
    if self._visits_left < 0:
      raise Malformed('it has far too many tables for its size')
    vtable = at - self._number('<i', at, name)
    vtable_bytes = self._number('<H', vtable, f'vtable of {name}')
    table_bytes = self._number('<H', vtable + 2, f'vtable of {name}')
    if vtable_bytes < 4 or vtable_bytes % 2 or table_bytes < 4:
      raise Malformed(f'vtable of {name} is damaged')
    self._cover(vtable, vtable_bytes, f'vtable of {name}')
    self._cover(at, table_bytes, name)
    slots = struct.unpack_from(f'<{vtable_bytes // 2 - 2}H', self._data, vtable + 4)
    fields = _fields(name)
    if any(slots[len(fields) :]):
      self.unknown.add(name)
    union_type = 0
    for slot, (kind, size, argument) in zip(slots, fields):
      if slot and not 4 <= slot <= table_bytes - size:
        raise Malformed(f'a field of {name} leaves its table')
      if kind == 'type':
        union_type = self._data[at + slot] if slot else 0
      elif slot and kind != 'scalar':
        self._reference(name, kind, argument, at + slot, union_type)

  def _reference(self, name: str, kind: str, argument: str, at: int, union_type: int) -> None:
    if kind == 'union':
      member = UNIONS[argument].get(union_type)
      if member is None:
        if union_type:
          self.unknown.add(f'{name} ({argument} {union_type})')
        return
      kind, argument = 'table', member
    target = self._follow(at, f'a reference of {name}')
    if kind == 'table':
      self.table(argument, target)
    elif kind == 'string':
      self._string(target, f'a string of {name}')
    elif kind == 'scalars':
      self._vector(target, int(argument), f'a vector of {name}')
    else:
      start, count = self._vector(target, 4, f'the vector of {argument}s')
      for item in range(start, start + 4 * count, 4):
        self.table(argument, self._follow(item, f'a reference to {argument}'))


def verify(data: bytes, root: str = 'Model') -> Extent:
  """Checks a flatbuffer whose root is the table `root`.

  Args:
    data: The file; the flatbuffer starts at its first byte.
    root: Name of the root table in the schema.

  Raises:
    Malformed: something that the flatbuffer refers to is not there.
  """
  verifier = _Verifier(data)
  verifier.table(root, verifier._follow(0, 'the root reference'))
  return Extent(verifier.end, tuple(sorted(verifier.unknown)))
