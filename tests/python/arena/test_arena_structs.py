# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.arena import structs

HOST = structs.Build(pointer_bytes=ctypes.sizeof(ctypes.c_void_p))
ARM = structs.FIRMWARE_32
TYPES = {
  'b': ctypes.c_int8,
  'h': ctypes.c_int16,
  'i': ctypes.c_int32,
  'q': ctypes.c_int64,
  'p': ctypes.c_void_p,
}

# A structure as nested tuples of (count, letter or structure).
structures = st.recursive(
  st.lists(st.tuples(st.integers(1, 11), st.sampled_from(sorted(TYPES))), min_size=1, max_size=6),
  lambda inner: st.lists(
    st.tuples(st.integers(1, 3), st.one_of(st.sampled_from(sorted(TYPES)), inner)),
    min_size=1,
    max_size=4,
  ),
  max_leaves=12,
)


def described(fields):
  return ''.join(
    f'{count}{field}' if isinstance(field, str) else f'{count}({described(field)})'
    for count, field in fields
  )


def compiled(fields):
  members = []
  for number, (count, field) in enumerate(fields):
    kind = TYPES[field] if isinstance(field, str) else compiled(field)
    members.append((f'f{number}', kind * count))
  return type('Structure', (ctypes.Structure,), {'_fields_': members})


@given(structures)
def test_layout_is_the_compilers(fields):
  reference = compiled(fields)
  size, alignment = structs.layout(described(fields), HOST)
  assert (size, alignment) == (ctypes.sizeof(reference), ctypes.alignment(reference))


@pytest.mark.parametrize(
  ('fields', 'size', 'alignment'),
  [
    ('', 0, 1),
    ('p', 4, 4),
    ('ppi', 12, 4),
    ('(iq)i', 24, 8),
    ('bp', 8, 4),
    ('3b', 3, 1),
    ('eebbe', 5, 1),
    ('eiie', 16, 4),
    ('ppe', 12, 4),
    ('4ibie', 28, 4),
  ],
)
def test_layout_on_32_bit(fields, size, alignment):
  assert structs.layout(fields, ARM) == (size, alignment)


def test_fields_of_some_builds():
  with_compression = structs.WHEEL_2026_10
  assert structs.size_of('i[ii]', with_compression) == 12
  assert structs.size_of('i[ii]', ARM) == 4
  assert structs.size_of('i{p}', structs.WHEEL_2026_10) == 16
  assert structs.size_of('i{p}', structs.WHEEL_2026_09) == 4


@pytest.mark.parametrize('fields', ['(i', 'i)', 'x'])
def test_malformed_descriptions(fields):
  with pytest.raises(ValueError, match=r'parentheses|unknown field'):
    structs.layout(fields, HOST)


def test_builds_of_wheels():
  assert structs.wheel_build('0.dev20261023182759') == structs.WHEEL_2026_10
  assert structs.wheel_build('0.dev20260925222358') == structs.WHEEL_2026_09


def test_enums_are_ints_elsewhere():
  assert structs.layout('eebbe', structs.FIRMWARE_32_INT_ENUMS) == (16, 4)
  assert structs.layout('eebbe', structs.FIRMWARE_64) == (16, 4)
