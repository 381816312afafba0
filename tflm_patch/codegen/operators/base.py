# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How an operator becomes statements of C.

Every module of this package registers a function that gets a `Writer` and returns a
`Code`: the calls of row kernels that make the operator's row `row`. What C needs to
know beside (constant structures, views of maps) the writer collects.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

from tflm_patch.codegen import c_text
from tflm_patch.codegen.constant_arrays import ConstantArrays, StageError
from tflm_patch.graph.types import DType
from tflm_patch.program import records as program
from tflm_patch.program.decode import Map, Op
from tflm_patch.program.records import Kind, Region, Sums

_DTYPES = {code: dtype for dtype, code in program.TYPE_CODES.items()}
_C_TYPES = {
  DType.INT8: 'int8_t',
  DType.UINT8: 'uint8_t',
  DType.INT16: 'int16_t',
  DType.INT32: 'int32_t',
}


# Fields of tflm_patch_requant_args that are those of tflm_patch_requant.
_AS_IN_RECORD = ('output_zero_point', 'act_min', 'act_max')
# What stands for the rows in `Code.rows`.
FIRST, COUNT = '<first>', '<count>'


@dataclasses.dataclass(frozen=True)
class Code:
  """Statements of an operator.

  Attributes:
    row: Make row `row` (or take it in, where an operator accumulates).
    rows: Instead of `row`: make COUNT rows from row FIRST on.
    first: Run once, before the first row.
    last: Run once, after the last row.
  """

  row: tuple[str, ...] = ()
  rows: str = ''
  first: tuple[str, ...] = ()
  last: tuple[str, ...] = ()


Emit = Callable[['Writer'], Code]


# None for kinds that do nothing at run time.
REGISTRY: dict[Kind, Emit | None] = {}


def register(*kinds: Kind) -> Callable[[Emit], Emit]:
  """Registers the function below it for kinds of operators."""

  def add(emit: Emit) -> Emit:
    REGISTRY.update(dict.fromkeys(kinds, emit))
    return emit

  return add


def register_nothing(*kinds: Kind) -> None:
  """Registers kinds that do nothing at run time."""
  REGISTRY.update(dict.fromkeys(kinds))


class Surroundings(Protocol):
  """What a writer knows of the stage."""

  constants: ConstantArrays

  def place(self, region: int, offset: int) -> str:
    """An expression for a place in the stage's memory: one of the arrays, and an offset."""

  def split_map(self, m: Map) -> str:
    """The name of a function that gives the rows of a map in two places."""


def type_bytes(m: Map) -> int:
  """Size of a value of a map."""
  return _DTYPES[m.type].bytes or 0


def type_code(m: Map) -> str:
  """A map's type as program.h names it."""
  return f'TFLM_PATCH_{_DTYPES[m.type].name}'


def type_name(m: Map) -> str:
  """The type of a map's values in C."""
  return _C_TYPES[_DTYPES[m.type]]


def _constant_type(m: Map) -> str:
  """The type of a map in the constants, whose rows are an array."""
  dtype = _DTYPES[m.type]
  if dtype not in _C_TYPES:
    raise StageError(f"a stage's constants hold a map of type {dtype.name}")
  if m.row_bytes != m.row_values * type_bytes(m) and m.rows > 1:
    raise StageError("a stage's constants hold a map whose rows are no array")
  return _C_TYPES[dtype]


def is_type(m: Map, dtype: DType) -> bool:
  """Whether a map's values are of a type."""
  return m.type == program.TYPE_CODES[dtype]


class Writer:
  """Writes an operator.

  Args:
    op: The operator.
    name: Of its function.
    stage: What is around it.

  Attributes:
    statics: Lines of constant structures in the function, in order.
    step: The row being made, as an expression.
  """

  def __init__(self, op: Op, name: str, stage: Surroundings) -> None:
    self.op = op
    self.params = op.params
    self.statics: list[str] = []
    self.step = '0' if op.steps == 1 else 'row'
    self._name = name
    self._stage = stage

  def constant(self, at: int, type_name: str, values: int, role: str) -> str:
    """An array of the constants; see `ConstantArrays.refer`."""
    return self._stage.constants.refer(at, type_name, values, f'{self._name}_{role}')

  def struct(self, type_name: str, name: str, fields: Mapping[str, c_text.Value]) -> str:
    """The address of a constant structure."""
    self.statics += c_text.structure(type_name, name, fields)
    return f'&{name}'

  def record(self) -> str:
    """The address of the operator's parameter record."""
    record = program.PARAMETERS[self.op.kind]
    return self.struct(record.name, 'params', c_text.nested(self.params))

  def part(self, name: str) -> Writer:
    """A writer of an operator that is a part of this one: its record is a field of this one's."""
    part = copy.copy(self)
    fields = c_text.nested(self.params)[name]
    assert isinstance(fields, Mapping)
    part.params = fields
    part._name = f'{self._name}_{name}'
    return part

  def taps(self) -> int:
    """Of the window."""
    return int(self.params['window.kernel_h'] * self.params['window.kernel_w'])

  def weighted(self, weights: int, channels: int) -> dict[str, c_text.Value]:
    """Fields that the arguments of the kernels with weights share.

    Args:
      weights: Their number.
      channels: Of the output.
    """
    # Those of int16 maps are the words of tflm_patch_int64s.
    words = 2 if is_type(self.op.outputs[0], DType.INT16) else 1
    fields: dict[str, c_text.Value] = {
      'requant': self._requant(channels),
      'weights': self.constant(self.params['weights_at'], 'int8_t', weights, 'weights'),
      'bias': self.constant(self.params['bias_at'], 'int32_t', words * channels, 'bias'),
    }
    window = c_text.nested(self.params).get('window')
    return fields if window is None else {'window': window, **fields}

  def _requant(self, channels: int) -> dict[str, c_text.Value]:
    """Fields of tflm_patch_requant_args, from the record's tflm_patch_requant."""
    requant = c_text.nested(self.params)['requant']
    assert isinstance(requant, Mapping)
    per_channel = requant['per_channel']
    n = channels if per_channel else 1
    return {
      'multipliers': self.constant(
        self.params['requant.multiplier_at'], 'int32_t', n, 'multipliers'
      ),
      'shifts': self.constant(self.params['requant.shift_at'], 'int8_t', n, 'shifts'),
      'channel_step': per_channel,
      **{name: requant[name] for name in _AS_IN_RECORD},
      'bounded': int(requant['sums'] == Sums.BOUNDED),
      'wide': int(requant['sums'] == Sums.WIDE),
    }

  def view(self, m: Map, name: str = 'input') -> str:
    """The address of a tflm_patch_rows."""
    return self.struct(
      'tflm_patch_rows',
      name,
      {
        'base': self._bytes_at(m, m.region, m.offset),
        'row_bytes': m.row_bytes,
        'ring_rows': m.ring_rows,
        'rows': m.rows,
        'cols': m.cols,
        'channels': m.channels,
        'split_base': self._bytes_at(m, m.split_region, m.split_offset),
        'split': m.split,
      },
    )

  def row(self, m: Map, row: str | None = None, type_name: str = 'int8_t') -> str:
    """A pointer to a row of a map.

    Args:
      m: The map.
      row: Its number, an expression; the step's without one.
      type_name: What the pointer points to.
    """
    row = self.step if row is None else row
    slot = row if m.ring_rows == m.rows else f'{_operand(row)} % {m.ring_rows}'
    is_constant = m.region == Region.CONSTANTS
    # An array of constants has the map's type, so its rows are counted in values.
    own, own_bytes = (_constant_type(m), type_bytes(m)) if is_constant else ('int8_t', 1)
    if m.split < m.ring_rows:
      pointer = f'{self._stage.split_map(m)}({slot})'
    else:
      pointer = _moved(
        self._base(m, m.region, m.offset),
        '0' if m.ring_rows == 1 else slot,
        m.row_bytes // own_bytes,
      )
    if type_name == own:
      return pointer
    const = 'const ' if is_constant else ''
    through = '(void*)' if type_name not in ('int8_t', 'uint8_t') and not is_constant else ''
    return f'({const}{type_name}*){through}({pointer})'

  def row_from_table(self, m: Map, at: int, entries: int, entry: str = '') -> str:
    """The number of a row of a map that a table in the constants names, an expression.

    A map with one place for all rows needs no table, and a compiler warns of one unused.

    Args:
      m: The map.
      at: Offset of the table, uint16.
      entries: Of the table.
      entry: The entry, an expression; the step's without one.
    """
    if m.ring_rows == 1 and m.split >= m.ring_rows:
      return self.step
    return f'{self.constant(at, "uint16_t", entries, "rows")}[{entry or self.step}]'

  def scratch(self, type_name: str = 'int32_t') -> str:
    """A pointer to the operator's private memory."""
    return f'({type_name}*)(void*)({self.scratch_place})'

  def spare_scratch(self) -> dict[str, c_text.Value]:
    """Fields of an operator that works without private memory, too."""
    if self.op.scratch is None:
      return {}
    return {'scratch': self.scratch('uint32_t'), 'scratch_bytes': self.op.scratch_bytes}

  @property
  def scratch_place(self) -> str:
    """Where the private memory lies, an expression."""
    if self.op.scratch is None:
      raise StageError('an operator that needs private memory has none')
    return self._stage.place(*self.op.scratch)

  def place(self, region: int, offset: int) -> str:
    """An expression of an address in a region of memory."""
    return self._stage.place(region, offset)

  def _base(self, m: Map, region: int, offset: int) -> str:
    """Where a map's rows begin: a pointer to int8_t, into constants to the map's type."""
    if region != Region.CONSTANTS:
      return self._stage.place(region, offset)
    return self.constant(offset, _constant_type(m), m.rows * m.row_values, f'operand_{m.index}')

  def _bytes_at(self, m: Map, region: int, offset: int) -> str:
    """The same as a pointer to int8_t in every case."""
    base = self._base(m, region, offset)
    is_cast = region == Region.CONSTANTS and _constant_type(m) != 'int8_t'
    return f'(const int8_t*){base}' if is_cast else base


def split_map_function(name: str, m: Map, first: str, second: str) -> list[str]:
  """A function for the rows of a map in two places.

  Args:
    name: Of the function.
    m: The map.
    first, second: Where slot 0 and slot `split` lie, expressions.
  """
  low = _moved(first, 'slot', m.row_bytes)
  high = _moved(second, f'(slot - {m.split})', m.row_bytes)
  return [
    f'static int8_t* {name}(uint32_t slot) {{',
    f'  return slot < {m.split} ? {low}',
    f'         {" " * len(f"slot < {m.split}")} : {high};',
    '}',
    '',
  ]


def _operand(expression: str) -> str:
  return expression if expression.isalnum() else f'({expression})'


def _moved(base: str, slot: str, row_bytes: int) -> str:
  """base + slot * row_bytes."""
  if slot == '0':
    return base
  if '%' not in slot:
    slot = _operand(slot) if not slot.startswith('(') else slot
  sign = '-' if row_bytes < 0 else '+'
  return f'{base} {sign} {slot} * {abs(row_bytes)}'
