# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Search spaces as JSON: blocks and heads are the words of specs."""

from __future__ import annotations

from typing import Any

from tflm_patch.architecture.spec import MAX_BLOCKS, Block, Pair, Spec, SpecError, shown
from tflm_patch.architecture.text import format_spec, parse_spec
from tflm_patch.nas.space import MAX_OPTIONS, MAX_STAGES, SearchSpace, Shape, StageChoice

SCHEMA_VERSION = 1
_FIELDS = (
  'schema_version',
  'name',
  'inputs',
  'widths',
  'stem',
  'stages',
  'tail',
  'head',
  'divisor',
)
_STAGE_FIELDS = ('block', 'depths', 'kernels', 'expansions', 'widths', 'growth', 'after')
_MAX_NUMBER = 0xFFFF


def space_to_json(space: SearchSpace) -> dict[str, Any]:
  """A space for `json.dump`."""
  return {
    'schema_version': SCHEMA_VERSION,
    'name': space.name,
    'inputs': [list(shape) for shape in space.inputs],
    'widths': list(space.widths),
    'stem': [_word(block) for block in space.stem],
    'stages': [
      {
        'block': _word(stage.block),
        'depths': list(stage.depths),
        'kernels': [list(kernel) for kernel in stage.kernels],
        'expansions': list(stage.expansions),
        'widths': list(stage.widths),
        **({'growth': list(stage.growth)} if stage.growth else {}),
        **({'after': [_word(block) for block in stage.after]} if stage.after else {}),
      }
      for stage in space.stages
    ],
    'tail': [_word(block) for block in space.tail],
    'head': format_spec(Spec((8, 8, 3), (), space.head)).split()[-1],
    'divisor': space.divisor,
  }


def space_from_json(found: Any) -> SearchSpace:
  """A space from what `json.load` gives.

  Raises:
    SpecError: it does not describe one; names the field that is wrong.
  """
  fields = _object(found, _FIELDS, 'a search space')
  version = fields.get('schema_version', SCHEMA_VERSION)
  if version != SCHEMA_VERSION:
    raise SpecError(f'"schema_version": {shown(repr(version))} is not {SCHEMA_VERSION}')
  name = fields.get('name', 'own')
  if not isinstance(name, str) or not name:
    raise SpecError('"name": is no text')
  divisor = fields.get('divisor', 8)
  if not _is_whole(divisor):
    raise SpecError('"divisor": is no whole number above 0')
  stages = _list(fields.get('stages'), 'stages', MAX_STAGES)
  return SearchSpace(
    name=shown(name),
    inputs=tuple(_shape(each) for each in _list(fields.get('inputs'), 'inputs', MAX_OPTIONS)),
    widths=_numbers(fields.get('widths', [1.0]), 'widths'),
    stem=_blocks(fields.get('stem', []), 'stem'),
    stages=tuple(_stage(stage, f'stages[{k}]') for k, stage in enumerate(stages)),
    tail=_blocks(fields.get('tail', []), 'tail'),
    head=_parsed(fields.get('head', 'fc10'), 'head').head,
    divisor=divisor,
  )


def _stage(found: Any, where: str) -> StageChoice:
  fields = _object(found, _STAGE_FIELDS, f'"{where}"')
  (block,) = _blocks([fields.get('block')], f'{where}.block')
  depths = _list(fields.get('depths', [1]), f'{where}.depths', MAX_OPTIONS)
  if not all(map(_is_whole, depths)):
    raise SpecError(f'"{where}.depths": are no whole numbers above 0')
  kernels = _list(fields.get('kernels', [list(block.kernel)]), f'{where}.kernels', MAX_OPTIONS)
  return StageChoice(
    block=block,
    depths=tuple(depths),
    kernels=tuple(_kernel(kernel, f'{where}.kernels') for kernel in kernels),
    expansions=_numbers(fields.get('expansions', [block.expansion]), f'{where}.expansions'),
    widths=_numbers(fields.get('widths', [1.0]), f'{where}.widths'),
    growth=_numbers(fields.get('growth', []), f'{where}.growth'),
    after=_blocks(fields.get('after', []), f'{where}.after'),
  )


def _word(block: Block) -> str:
  return format_spec(Spec((8, 8, 3), (block,))).split()[1]


def _blocks(found: Any, where: str) -> tuple[Block, ...]:
  blocks: list[Block] = []
  for word in _list(found, where, MAX_BLOCKS):
    if not isinstance(word, str) or len(word.split()) != 1:
      raise SpecError(f'"{where}": {shown(repr(word))} is no word of a block, like "ir_k3_e4_c24"')
    parsed = _parsed(f'{word} none', where)
    if len(parsed.blocks) != 1:
      raise SpecError(f'"{where}": {shown(repr(word))} is no block')
    blocks += parsed.blocks
  return tuple(blocks)


def _parsed(words: Any, where: str) -> Spec:
  if not isinstance(words, str):
    raise SpecError(f'"{where}": {shown(repr(words))} is no text')
  try:
    return parse_spec(f'in8x8x3 {words}')
  except SpecError as error:
    raise SpecError(f'"{where}": {error}') from None


def _object(found: Any, known: tuple[str, ...], what: str) -> dict[str, Any]:
  if not isinstance(found, dict):
    raise SpecError(f'{what} in JSON is an object of {", ".join(known)}')
  for key in found:
    if key not in known:
      raise SpecError(f'"{shown(str(key))}": unknown field of {what}')
  return found


def _list(found: Any, where: str, most: int) -> list[Any]:
  if not isinstance(found, list) or len(found) > most:
    raise SpecError(f'"{where}": is no list of at most {most}')
  return found


def _numbers(found: Any, where: str) -> tuple[float, ...]:
  values = _list(found, where, MAX_OPTIONS)
  for value in values:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
      raise SpecError(f'"{where}": {shown(repr(value))} is no number')
    if not 0 < value <= _MAX_NUMBER:
      raise SpecError(f'"{where}": {shown(repr(value))} is not above 0 and at most {_MAX_NUMBER}')
  return tuple(float(value) for value in values)


def _shape(found: Any) -> Shape:
  if not isinstance(found, list) or len(found) != 3 or not all(map(_is_whole, found)):
    raise SpecError(f'"inputs": {shown(repr(found))} is not [rows, columns, channels]')
  return found[0], found[1], found[2]


def _kernel(found: Any, where: str) -> Pair:
  pair = found if isinstance(found, list) else [found, found]
  if len(pair) != 2 or not all(map(_is_whole, pair)):
    raise SpecError(f'"{where}": {shown(repr(found))} is neither a size nor [rows, columns]')
  return pair[0], pair[1]


def _is_whole(value: Any) -> bool:
  return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_NUMBER
