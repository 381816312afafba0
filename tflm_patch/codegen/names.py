# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Names in generated code, and the templates that they are filled into."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
import string

from tflm_patch.errors import TflmPatchError

MAX_NAME = 40
_FOLDER = pathlib.Path(__file__).resolve().parent / 'templates'
_NAME = re.compile(r'[a-z][a-z0-9]*(_[a-z0-9]+)*')
# Words of C and C++, and names that the kernels, TFLM and the C library use.
_TAKEN = frozenset(
  [
    'alignas',
    'alignof',
    'and',
    'asm',
    'auto',
    'bool',
    'break',
    'case',
    'catch',
    'char',
    'class',
    'compl',
    'const',
    'continue',
    'decltype',
    'default',
    'delete',
    'do',
    'double',
    'else',
    'enum',
    'explicit',
    'export',
    'extern',
    'false',
    'final',
    'float',
    'for',
    'friend',
    'goto',
    'if',
    'inline',
    'int',
    'long',
    'main',
    'module',
    'mutable',
    'namespace',
    'new',
    'not',
    'nullptr',
    'operator',
    'or',
    'override',
    'private',
    'protected',
    'public',
    'register',
    'restrict',
    'return',
    'short',
    'signed',
    'sizeof',
    'static',
    'std',
    'struct',
    'switch',
    'template',
    'tensorflow',
    'tflite',
    'tflm',
    'this',
    'throw',
    'true',
    'try',
    'typedef',
    'typeid',
    'typename',
    'union',
    'unsigned',
    'using',
    'virtual',
    'void',
    'volatile',
    'while',
    'xor',
    'linux',
    'unix',
  ]
)


class _Template(string.Template):
  """With @{field}, as make, CMake and shells want the dollar for themselves."""

  delimiter = '@'


@dataclasses.dataclass(frozen=True)
class Names:
  """The names of an exported model.

  Attributes:
    lower: As users type it: 'my_model'; a namespace, and a prefix of files and functions.
    model: The file that it was made from, for comments.
    version: Of this tool, for comments and metadata.
  """

  lower: str
  model: str
  version: str

  @property
  def upper(self) -> str:
    """Prefix of macros: 'MY_MODEL'."""
    return self.lower.upper()

  @property
  def camel(self) -> str:
    """Part of constants' names: 'MyModel'."""
    return ''.join(part.capitalize() for part in self.lower.split('_'))


def check_name(name: str) -> str:
  """The name, when code can use it.

  Raises:
    TflmPatchError: it is no identifier of lower-case words, too long or taken.
  """
  if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
    raise TflmPatchError(
      f'"{name}" is no name for generated code; use lower-case words joined by underscores, '
      f'at most {MAX_NAME} characters'
    )
  if name in _TAKEN or name.startswith('tflm_patch'):
    raise TflmPatchError(f'"{name}" means something else in C or in the kernels; choose another')
  return name


def fill(template: str, names: Names, **fields: object) -> str:
  """A template's text with the names and further fields filled in.

  Raises:
    KeyError: the template has a field that is not given.
  """
  return _template(template).substitute(
    name=names.lower,
    NAME=names.upper,
    Name=names.camel,
    model=names.model,
    version=names.version,
    **fields,
  )


@functools.cache
def _template(name: str) -> _Template:
  return _Template((_FOLDER / f'{name}.in').read_text(encoding='utf-8'))
