# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""program.h is what the records say, for a C compiler, too."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from tflm_patch.program import encode as program_bytes
from tflm_patch.program import records as program

# The C type of a struct format code, as _Generic tells it.
C_TYPES = {
  'b': 'int8_t',
  'B': 'uint8_t',
  'h': 'int16_t',
  'H': 'uint16_t',
  'i': 'int32_t',
  'I': 'uint32_t',
  'f': 'float',
}
KERNELS = pathlib.Path(__file__).resolve().parents[3] / 'micro_kernels'


@pytest.fixture(scope='module')
def facts(tmp_path_factory) -> dict[str, int]:
  """Sizes, offsets and constants as the C compiler sees them."""
  compiler = shutil.which('gcc') or shutil.which('clang')
  if compiler is None:
    pytest.skip('needs gcc or clang')
  lines = [
    '#include <stddef.h>',
    '#include <stdio.h>',
    '#include "tflm_patch/program.h"',
    'int main(void) {',
  ]

  def show(name: str, value: str) -> None:
    lines.append(f'printf("{name} %ld\\n", (long)({value}));')

  for record in program.RECORDS:
    show(record.name, f'sizeof({record.name})')
    for field, code in record.fields:
      show(f'{record.name}.{field}', f'offsetof({record.name}, {field})')
      # The first value of an array has its type.
      value = f'*&(({record.name} *)0)->{field}' + ('[0]' if len(code) > 1 else '')
      show(f'{record.name}.{field}.type', f'_Generic({value}, {C_TYPES[code[-1]]}: 1, default: 0)')
  for kind in program.Kind:
    show(f'kind.{kind.name}', f'TFLM_PATCH_{kind.name}')
  show('kinds', 'TFLM_PATCH_KIND_COUNT')
  for region in program.Region:
    show(f'region.{region.name}', f'TFLM_PATCH_REGION_{region.name}')
  for dtype in program.TYPE_CODES:
    show(f'type.{dtype.name}', f'TFLM_PATCH_{dtype.name}')
  for name in (
    'MAGIC',
    'VERSION',
    'ALIGNMENT',
    'MAX_TENSORS',
    'MAX_OPS',
    'PAUSE',
    'NONE',
    'CHECKSUM_FROM',
    'FAMILY_PORTABLE',
  ):
    show(name, f'TFLM_PATCH_{name}')
  lines += [
    'unsigned char bytes[1000];',
    'for (int i = 0; i < 1000; ++i) bytes[i] = (unsigned char)(i * 37 + 11);',
  ]
  show('checksum', 'tflm_patch_checksum(bytes, 1000)')
  lines += ['return 0;', '}']
  folder = tmp_path_factory.mktemp('program')
  (folder / 'facts.c').write_text('\n'.join(lines))
  subprocess.run(
    [
      compiler,
      '-std=c11',
      f'-I{KERNELS}/include',
      'facts.c',
      f'{KERNELS}/src/checksum.c',
      '-o',
      'facts',
    ],
    cwd=folder,
    check=True,
  )
  text = subprocess.run([folder / 'facts'], capture_output=True, text=True, check=True).stdout
  return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


@pytest.mark.parametrize('record', program.RECORDS, ids=lambda record: record.name)
def test_record(record, facts):
  assert record.size == facts[record.name]
  for field, _ in record.fields:
    assert record.offset(field) == facts[f'{record.name}.{field}'], field
    assert facts[f'{record.name}.{field}.type'], field


def test_constants(facts):
  for kind in program.Kind:
    assert kind == facts[f'kind.{kind.name}']
  assert max(program.Kind) + 1 == facts['kinds']
  for region in program.Region:
    assert region == facts[f'region.{region.name}']
  for dtype, code in program.TYPE_CODES.items():
    assert code == facts[f'type.{dtype.name}']
  for name in (
    'MAGIC',
    'VERSION',
    'ALIGNMENT',
    'MAX_TENSORS',
    'MAX_OPS',
    'PAUSE',
    'NONE',
    'CHECKSUM_FROM',
    'FAMILY_PORTABLE',
  ):
    assert getattr(program, name) == facts[name], name


def test_no_hidden_padding(facts):
  """The members of a C structure make up its size: nothing is reserved, nothing padded."""
  for record in program.RECORDS:
    assert facts[record.name] == record.size
    assert not [name for name, _ in record.fields if 'reserved' in name]


def test_retired_kinds_are_not_used_again():
  assert not set(program.RETIRED_KINDS) & {int(kind) for kind in program.Kind}
  kinds = [int(kind) for kind in program.Kind]
  given = sorted([*program.RETIRED_KINDS, *kinds])
  assert given == list(range(1, max(program.Kind) + 1))


def test_checksum(facts):
  values = (np.arange(1000) * 37 + 11).astype(np.uint8)
  assert program_bytes.checksum(values.tobytes()) == facts['checksum']
