# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Structures of the stage program as frozen dataclasses: values, C types and comments at once.

A frozen dataclass decorated with `structure` is a C structure of program.h: its fields in order
are the structure's, with the type, the comment and, for arrays that lie in the constants, the
name of the offset that stands for them. From the class follow the bytes (`Record`), the C
header (`c_header.py`) and typed values for the planner.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

_T = TypeVar('_T')


class Deferred(Generic[_T]):
  """A value that is computed when it is encoded, once: sums over weights, packed arrays."""

  def __init__(self, compute: Callable[[], _T]) -> None:
    self._compute: Callable[[], _T] | None = compute
    self._value: _T | None = None

  def get(self) -> _T:
    if self._compute is not None:
      self._value = self._compute()
      self._compute = None
    return self._value  # type: ignore[return-value]


Array = np.ndarray | Deferred[np.ndarray]
NO_ARRAY = 0xFFFFFFFF  # the offset of an optional array that is missing


def stored(array: Array | None) -> np.ndarray:
  """An array of a parameter record."""
  value = array.get() if isinstance(array, Deferred) else array
  assert value is not None
  return value


@dataclasses.dataclass(frozen=True)
class FieldType:
  """What a field is in the program.

  Attributes:
    code: `struct` format code, with a count before it for an array.
    comment: Of the field in the header, '' for none.
    name: In C, where it differs from the attribute: the offset of an array.
    stored_as: numpy type of an array that lies in the constants, None for a plain value.
    alignment: Of that array in bytes.
    nested: The structure that the field is.
    optional: Whether the array may be missing: the offset is then `NO_ARRAY`.
  """

  code: str = ''
  comment: str = ''
  name: str = ''
  stored_as: str | None = None
  alignment: int = 4
  nested: type | None = None
  optional: bool = False


_KEY = 'program'


def _plain(code: str) -> Callable[..., Any]:
  def make(comment: str = '', default: Any = 0) -> Any:
    return dataclasses.field(default=default, metadata={_KEY: FieldType(code, comment)})

  return make


u8, i8, u16, i16 = _plain('B'), _plain('b'), _plain('H'), _plain('h')
u32, i32, f32 = _plain('I'), _plain('i'), _plain('f')


def array_of(code: str, count: int, comment: str = '') -> Any:
  """A field of `count` values in the structure itself."""
  kind = FieldType(f'{count}{code}', comment)
  return dataclasses.field(default=(0,) * count, metadata={_KEY: kind})


def constant(
  name: str, stored_as: str, comment: str = '', alignment: int = 4, optional: bool = False
) -> Any:
  """An array in the constants; the structure holds its offset, a uint32_t called `name`."""
  kind = FieldType('I', comment, name, stored_as, alignment, optional=optional)
  return dataclasses.field(default=None, metadata={_KEY: kind})


def nested(cls: type, comment: str = '') -> Any:
  """A structure inside of a structure."""
  return dataclasses.field(
    default_factory=cls, metadata={_KEY: FieldType(comment=comment, nested=cls)}
  )


@dataclasses.dataclass(frozen=True)
class Record:
  """A C structure as bytes: `fields` are (name, struct format code), no hidden padding.

  Fields of nested structures have names with dots: 'window.kernel_h'.
  """

  name: str
  fields: tuple[tuple[str, str], ...]

  @functools.cached_property
  def format(self) -> str:
    return '<' + ''.join(code for _, code in self.fields)

  @functools.cached_property
  def _names(self) -> frozenset[str]:
    return frozenset(name for name, _ in self.fields)

  @functools.cached_property
  def _counts(self) -> tuple[tuple[str, int], ...]:
    """Field -> how many values it is, 0 for a plain one."""
    return tuple((name, int(code[:-1] or 0)) for name, code in self.fields)

  @property
  def size(self) -> int:
    return struct.calcsize(self.format)

  def offset(self, field: str) -> int:
    names = [name for name, _ in self.fields]
    return struct.calcsize('<' + ''.join(code for _, code in self.fields[: names.index(field)]))

  def pack(self, **values: Any) -> bytes:
    """The record's bytes; fields not given are zero."""
    unknown = values.keys() - self._names
    if unknown:
      raise KeyError(f'{self.name} has no field {sorted(unknown)}')
    flat: list[Any] = []
    for name, count in self._counts:
      value = values.get(name, 0)
      if count:
        flat.extend(value if isinstance(value, (list, tuple)) else [0] * count)
      else:
        flat.append(value)
    return struct.pack(self.format, *flat)

  def unpack(self, data: bytes, at: int = 0) -> dict[str, Any]:
    """The fields by name; struct.error when there are not enough bytes."""
    flat = list(struct.unpack_from(self.format, data, at))
    values: dict[str, Any] = {}
    for name, count in self._counts:
      if count:
        values[name] = flat[:count]
        del flat[:count]
      else:
        values[name] = flat.pop(0)
    return values


# Of the classes, in the order of the header.
STRUCTURES: dict[type, Record] = {}


def structure(name: str) -> Callable[[type[_T]], type[_T]]:
  """Makes a frozen dataclass a C structure; its docstring is the comment in C."""

  def decorate(cls: type[_T]) -> type[_T]:
    STRUCTURES[cls] = Record(name, tuple(_flat_fields(cls)))
    return cls

  return decorate


_Fields = tuple[tuple[dataclasses.Field[Any], FieldType], ...]
_field_types: dict[type, _Fields] = {}


def field_types(cls: type) -> _Fields:
  """The fields of a structure with what they are in the program."""
  if cls not in _field_types:
    _field_types[cls] = tuple((field, field.metadata[_KEY]) for field in dataclasses.fields(cls))
  return _field_types[cls]


def _flat_fields(cls: type) -> Iterator[tuple[str, str]]:
  for field, kind in field_types(cls):
    if kind.nested is not None:
      record = STRUCTURES[kind.nested]
      yield from ((f'{field.name}.{name}', code) for name, code in record.fields)
    else:
      yield kind.name or field.name, kind.code


def record_of(cls: type) -> Record:
  """The bytes of a structure."""
  return STRUCTURES[cls]


def scalars(value: Any, prefix: str = '') -> Mapping[str, Any]:
  """The plain fields of a structure by their names in its record.

  Arrays that lie in the constants and deferred values are left out.
  """
  found: dict[str, Any] = {}
  for field, kind in field_types(type(value)):
    item = getattr(value, field.name)
    if kind.nested is not None:
      found.update(scalars(item, f'{prefix}{field.name}.'))
    elif kind.stored_as is None and not isinstance(item, Deferred):
      found[prefix + field.name] = item
  return found
