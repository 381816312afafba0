# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Specs as JSON: what `text.py` says in a line, field by field."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, TypeVar

from tflm_patch.architecture import blocks, heads
from tflm_patch.architecture.spec import MAX_BLOCKS, Block, Head, Spec, SpecError, shown
from tflm_patch.architecture.text import unknown

SCHEMA_VERSION = 1
_Part = TypeVar('_Part', Block, Head)


def to_json(spec: Spec) -> dict[str, Any]:
  """A spec for `json.dump`; fields that have their kind's defaults are left out."""
  return {
    'schema_version': SCHEMA_VERSION,
    'input_shape': list(spec.input_shape),
    'blocks': [_part(block, blocks.REGISTRY[block.kind].defaults) for block in spec.blocks],
    'head': _part(spec.head, heads.REGISTRY[spec.head.kind].defaults),
  }


def from_json(found: Any) -> Spec:
  """A spec from what `json.load` gives.

  Raises:
    SpecError: it does not describe one; quotes the part that is wrong.
  """
  if not isinstance(found, dict):
    raise SpecError('a spec in JSON is an object with input_shape, blocks and head')
  for key in found:
    if key not in ('schema_version', 'input_shape', 'blocks', 'head'):
      raise SpecError(f'"{shown(str(key))}": unknown field of a spec')
  if found.get('schema_version', SCHEMA_VERSION) != SCHEMA_VERSION:
    version = shown(repr(found['schema_version']))
    raise SpecError(f'"schema_version": {version} is not {SCHEMA_VERSION}')
  shape = found.get('input_shape')
  if not isinstance(shape, list) or len(shape) != 3 or not all(map(_is_int, shape)):
    raise SpecError('"input_shape": is not [rows, columns, channels]')
  parts = found.get('blocks')
  if not isinstance(parts, list) or len(parts) > MAX_BLOCKS:
    raise SpecError(f'"blocks": is no list of at most {MAX_BLOCKS} blocks')
  return Spec(
    (shape[0], shape[1], shape[2]),
    tuple(
      _read(part, f'blocks[{k}]', {k: v.defaults for k, v in blocks.REGISTRY.items()})
      for k, part in enumerate(parts)
    ),
    _read(found.get('head'), 'head', {k: v.defaults for k, v in heads.REGISTRY.items()}),
  )


def _part(part: Block | Head, defaults: Block | Head) -> dict[str, Any]:
  values: dict[str, Any] = {'kind': part.kind}
  for field in dataclasses.fields(part):
    value = getattr(part, field.name)
    if value != getattr(defaults, field.name):
      values[field.name] = value.value if isinstance(value, enum.Enum) else value
  return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _read(found: Any, where: str, known: Mapping[str, _Part]) -> _Part:
  if not isinstance(found, dict) or not isinstance(found.get('kind'), str):
    raise SpecError(f'"{where}": is no object with a "kind"')
  kind = found['kind']
  if kind not in known:
    raise SpecError(f'"{where}": {unknown(kind, "kind", known)}')
  defaults = known[kind]
  values = {}
  for key, value in found.items():
    if key == 'kind':
      continue
    if key not in {field.name for field in dataclasses.fields(defaults)}:
      raise SpecError(f'"{where}": unknown field "{shown(str(key))}"')
    values[key] = _value(value, getattr(defaults, key), f'{where}.{key}')
  return dataclasses.replace(defaults, **values)


def _value(value: Any, like: Any, where: str) -> Any:
  """A field's value, of the type of its default."""
  if isinstance(like, enum.Enum):
    names = [each.value for each in type(like)]
    if value in names:
      return type(like)(value)
    raise SpecError(f'"{where}": is none of {", ".join(names)}')
  if isinstance(like, tuple):
    if isinstance(value, list) and len(value) == 2 and all(map(_is_int, value)):
      return value[0], value[1]
    raise SpecError(f'"{where}": is not [rows, columns]')
  if isinstance(like, bool):
    if isinstance(value, bool):
      return value
    raise SpecError(f'"{where}": is neither true nor false')
  if isinstance(like, float):
    if not isinstance(value, bool) and isinstance(value, (int, float)) and abs(value) < 1 << 31:
      return float(value)
    raise SpecError(f'"{where}": is no number')
  if _is_int(value):
    return value
  raise SpecError(f'"{where}": is no whole number')


def _is_int(value: Any) -> bool:
  return isinstance(value, int) and not isinstance(value, bool)
