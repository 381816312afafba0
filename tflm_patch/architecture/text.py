# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Specs as a line of text: `in96x96x3 conv3_s2_c16 ir_k5_e4_s2_c24 x2 fc10`.

Words are separated by spaces: the input, the blocks, the head. A block is its kind,
then fields that begin with `_`: k kernel, s stride, e expansion, c channels, se
squeeze-and-excite, an activation, `valid` for no padding, `noskip`. Kernels and strides
are one number or rows x columns. `x2` after a block repeats it; the repetitions
have stride 1. What a word leaves out has the default of its kind.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tflm_patch.architecture import blocks, heads
from tflm_patch.architecture.spec import (
  MAX_BLOCKS,
  Activation,
  Block,
  Head,
  Padding,
  Pair,
  Spec,
  SpecError,
  shown,
)

MAX_TEXT = 1 << 16
_WORD = re.compile(r'([a-z]+)(\d+(?:x\d+)?)?((?:_[a-z0-9.]+)*)', re.ASCII)
_INPUT = re.compile(r'in(\d{1,6})(?:x(\d{1,6})x(\d{1,6}))?', re.ASCII)
_REPEAT = re.compile(r'x(\d{1,6})', re.ASCII)
_FIELD = re.compile(r'([a-z]+)(\d{1,6}(?:x\d{1,6}|\.\d{1,6})?)', re.ASCII)
_NUMBERED = {'k': 'kernel', 's': 'stride', 'e': 'expansion', 'c': 'channels', 'se': 'squeeze'}
_HEAD_NUMBERED = {'a': 'anchors', 's': 'scales'}
_LETTERS = {field: letter for letter, field in _NUMBERED.items()}
_HEAD_LETTERS = {field: letter for letter, field in _HEAD_NUMBERED.items()}
_FLAGS: dict[str, tuple[str, object]] = {
  **{each.value: ('activation', each) for each in Activation},
  **{each.value: ('padding', each) for each in Padding},
  'skip': ('skip', True),
  'noskip': ('skip', False),
}
_HEAD_FLAGS: dict[str, tuple[str, object]] = {'softmax': ('softmax', True)}
# In which fields stand in a word.
_ORDER = (
  'kernel',
  'expansion',
  'stride',
  'channels',
  'squeeze',
  'activation',
  'padding',
  'skip',
  'anchors',
  'scales',
  'classes',
  'softmax',
)
_SAID = ('kernel', 'expansion', 'channels')  # even where they have their defaults
_PAIRS = ('kernel', 'stride')
_REALS = ('expansion', 'squeeze')


def unknown(name: str, what: str, known: Iterable[str]) -> SpecError:
  """The error for a name that is not registered."""
  known = sorted(known)
  near = difflib.get_close_matches(name, known, n=1)
  hint = f'did you mean "{near[0]}"?' if near else f'known are {", ".join(known)}'
  return SpecError(f'"{shown(name)}": unknown {what}; {hint}')


def parse_spec(text: str) -> Spec:
  """A spec from its line.

  Raises:
    SpecError: it is no spec; quotes the word that is wrong. Whether the layers fit
      together is seen when they are made, see `network.network_of`.
  """
  if len(text) > MAX_TEXT:
    raise SpecError(f'a spec of {len(text):,} characters is longer than {MAX_TEXT:,}')
  words = text.split()
  if not words:
    raise SpecError('an empty spec; write for example "in96x96x3 conv3_s2_c16 fc10"')
  input_shape = _parse_input(words[0])
  found: list[Block] = []
  head: Head | None = None
  for word in words[1:]:
    if head is not None:
      raise SpecError(f'"{shown(word)}": comes after the head, which is the last word')
    repeat = _REPEAT.fullmatch(word)
    if repeat:
      found += _repetitions(word, int(repeat[1]), found)
      continue
    parsed = _parse_word(word)
    if isinstance(parsed, Head):
      head = parsed
    else:
      found.append(parsed)
    if len(found) > MAX_BLOCKS:
      raise SpecError(f'"{shown(word)}": more than {MAX_BLOCKS} blocks')
  if head is None:
    known = ', '.join(sorted(heads.REGISTRY))
    raise SpecError(f'"{shown(words[-1])}": the spec ends without a head ({known})')
  return Spec(input_shape, tuple(found), head)


def format_spec(spec: Spec) -> str:
  """The line of a spec; `parse_spec` gives the spec again."""
  words = [format_input(spec.input_shape)]
  k = 0
  while k < len(spec.blocks):
    block = spec.blocks[k]
    again = dataclasses.replace(block, stride=(1, 1))
    end = k + 1
    while end < len(spec.blocks) and spec.blocks[end] == again:
      end += 1
    words.append(format_block(block))
    if end - k > 1:
      words.append(f'x{end - k}')
    k = end
  return ' '.join([*words, format_head(spec.head)])


def format_input(shape: Sequence[int]) -> str:
  """'in96x96x3'; 'in640' for a vector."""
  rows, cols, channels = shape
  return f'in{channels}' if (rows, cols) == (1, 1) else f'in{rows}x{cols}x{channels}'


def format_block(block: Block) -> str:
  """The word of a block."""
  kind = blocks.REGISTRY.get(block.kind)
  if kind is None:
    return block.kind
  return _format(block, kind.defaults, kind.fields, kind.leading, _LETTERS)


def format_head(head: Head) -> str:
  """The word of a head."""
  kind = heads.REGISTRY.get(head.kind)
  if kind is None:
    return head.kind
  return _format(head, kind.defaults, kind.fields, kind.leading, _HEAD_LETTERS)


def _format(
  part: Block | Head,
  defaults: Block | Head,
  fields: frozenset[str],
  leading: str,
  letters: dict[str, str],
) -> str:
  word = part.kind
  if leading:
    word += _text(getattr(part, leading))
  for field in _ORDER:
    if field not in fields or field == leading:
      continue
    value = getattr(part, field)
    if value == getattr(defaults, field) and field not in _SAID:
      continue
    if field in letters:
      word += f'_{letters[field]}{_text(value)}'
    elif isinstance(value, (Activation, Padding)):
      word += f'_{value.value}'
    else:
      word += f'_{field}' if value else f'_no{field}'
  return word


def _text(value: Pair | float) -> str:
  if isinstance(value, tuple):
    return str(value[0]) if value[0] == value[1] else f'{value[0]}x{value[1]}'
  return f'{value:.6f}'.rstrip('0').rstrip('.') if isinstance(value, float) else str(value)


def _parse_input(word: str) -> tuple[int, int, int]:
  match = _INPUT.fullmatch(word)
  if match is None:
    raise SpecError(
      f'"{shown(word)}": a spec begins with its input, like in96x96x3 or in640 for a vector'
    )
  if match[2] is None:
    return 1, 1, int(match[1])
  return int(match[1]), int(match[2]), int(match[3])


def _repetitions(word: str, count: int, before: list[Block]) -> list[Block]:
  if not before:
    raise SpecError(f'"{word}": repeats the block before it; there is none')
  if not 1 <= count <= MAX_BLOCKS:
    raise SpecError(f'"{word}": a block is there from 1 to {MAX_BLOCKS} times')
  return [dataclasses.replace(before[-1], stride=(1, 1))] * (count - 1)


def _parse_word(word: str) -> Block | Head:
  match = _WORD.fullmatch(word)
  if match is None:
    raise SpecError(f'"{shown(word)}": is no block; write for example conv3_s2_c16')
  name, number, rest = match[1], match[2], match[3]
  if name in blocks.REGISTRY:
    kind = blocks.REGISTRY[name]
    values = _values(word, kind.leading, number, rest, (_NUMBERED, _FLAGS), kind.fields)
    return dataclasses.replace(kind.defaults, **values)
  if name in heads.REGISTRY:
    end = heads.REGISTRY[name]
    values = _values(word, end.leading, number, rest, (_HEAD_NUMBERED, _HEAD_FLAGS), end.fields)
    return dataclasses.replace(end.defaults, **values)
  error = unknown(name, 'block', [*blocks.REGISTRY, *heads.REGISTRY])
  raise SpecError(f'"{shown(word)}": {str(error).split(": ", 1)[1]}')


def _values(
  word: str,
  leading: str,
  number: str | None,
  rest: str,
  known: tuple[dict[str, str], dict[str, tuple[str, object]]],
  fields: frozenset[str],
) -> dict[str, Any]:
  """The fields that a word says."""
  numbered, flags = known
  values: dict[str, Any] = {}

  def put(field: str, value: object, part: str) -> None:
    if field not in fields:
      raise SpecError(f'"{shown(word)}": "{part}" says {field}, which this kind does not have')
    if field in values:
      raise SpecError(f'"{shown(word)}": says {field} twice')
    values[field] = value

  if number is not None:
    if not leading:
      raise SpecError(f'"{shown(word)}": no number may follow the name')
    put(leading, _number(word, leading, number), number)
  for part in rest.split('_')[1:]:
    if part in flags:
      put(*flags[part], part)
      continue
    match = _FIELD.fullmatch(part)
    if match is None or match[1] not in numbered:
      letters = ', '.join([*numbered, *flags])
      raise SpecError(f'"{shown(word)}": unknown field "{shown(part)}"; known are {letters}')
    put(numbered[match[1]], _number(word, numbered[match[1]], match[2]), part)
  return values


def _number(word: str, field: str, digits: str) -> Pair | float | int:
  if field in _PAIRS and '.' not in digits:
    first, _, second = digits.partition('x')
    return int(first), int(second or first)
  if field in _REALS and 'x' not in digits:
    value = float(digits)
    if math.isfinite(value):
      return value
  elif digits.isdigit():
    return int(digits)
  raise SpecError(f'"{shown(word)}": {digits} is no {field}')
