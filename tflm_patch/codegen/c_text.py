# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Pieces of C as text: calls, initialisers, arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

COLUMNS = 100

# A mapping is a structure, a sequence an array; texts are expressions.
Value = int | float | str | Sequence['Value'] | Mapping[str, 'Value']


def call(function: str, *arguments: object) -> str:
  """A call as a statement."""
  return f'{function}({", ".join(map(str, arguments))});'


def number(value: int | float) -> str:
  """A literal that reads back as the same int32, or float32."""
  if isinstance(value, int):
    # The negation of 2147483648 is no int.
    return '(-2147483647 - 1)' if value == -(1 << 31) else str(value)
  text = f'{value:.9g}'
  return f'{text}f' if re.search(r'[.e]', text) else f'{text}.0f'


def initializer(value: Value) -> str:
  """What stands behind the = of a definition."""
  if isinstance(value, str):
    return value
  if isinstance(value, Mapping):
    fields = (f'.{name} = {initializer(field)}' for name, field in value.items())
    return f'{{{", ".join(fields)}}}'
  if isinstance(value, Sequence):
    return f'{{{", ".join(map(initializer, value))}}}'
  return number(value)


def structure(type_name: str, name: str, fields: Mapping[str, Value]) -> list[str]:
  """Lines that define a constant structure."""
  lines = [f'static const {type_name} {name} = {{']
  lines += [f'    .{field} = {initializer(value)},' for field, value in fields.items()]
  return [*lines, '};']


def nested(fields: Mapping[str, Value]) -> dict[str, Value]:
  """Fields of a parameter record, 'window.stride_h' among them, as structures; none reserved."""
  found: dict[str, Value] = {}
  for name, value in fields.items():
    if 'reserved' in name:
      continue
    outer, dot, inner = name.partition('.')
    if not dot:
      found[name] = value
      continue
    group = found.setdefault(outer, {})
    assert isinstance(group, dict)
    group[inner] = value
  return found


def array(definition: str, values: np.ndarray) -> list[str]:
  """Lines that define an array of integers."""
  texts = [number(value) for value in values.tolist()]
  width = max(map(len, texts)) + 2
  per_line = max(1, (COLUMNS - 4) // width)
  if per_line >= 8:
    per_line -= per_line % 8
  lines = [f'{definition} = {{']
  lines += [f'    {", ".join(texts[i : i + per_line])},' for i in range(0, len(texts), per_line)]
  return [*lines, '};']


def pairs(definition: str, values: np.ndarray) -> list[str]:
  """Lines that define an array of structures of two integers, [n, 2]."""
  texts = [f'{{{a}, {b}}}' for a, b in values.tolist()]
  lines = [f'{definition} = {{']
  lines += [f'    {", ".join(texts[i : i + 8])},' for i in range(0, len(texts), 8)]
  return [*lines, '};']


def indented(lines: Sequence[str], by: int = 2) -> list[str]:
  """The lines moved to the right and broken where they are too long."""
  return [broken for line in lines for broken in _break(' ' * by + line if line else '')]


def _break(line: str) -> list[str]:
  """Breaks a line behind commas; the rest stands four columns further right."""
  if len(line) <= COLUMNS or line.lstrip().startswith('/*'):
    return [line]
  at = line.rfind(', ', 0, COLUMNS)
  margin = len(line) - len(line.lstrip())
  if at <= margin:
    return [line]
  rest = ' ' * (margin + 4) + line[at + 2 :]
  return [line[: at + 1], *_break_rest(rest, margin + 4)]


def _break_rest(line: str, margin: int) -> list[str]:
  lines = []
  while len(line) > COLUMNS:
    at = line.rfind(', ', 0, COLUMNS)
    if at <= margin:
      break
    lines.append(line[: at + 1])
    line = ' ' * margin + line[at + 2 :]
  return [*lines, line]
