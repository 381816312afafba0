# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sizes, overheads and grids as users type them."""

from __future__ import annotations

import pytest
from absl import flags
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.cli import values
from tflm_patch.cli.command import Command, UsageError


@pytest.mark.parametrize(('text', 'size'), [
    ('65536', 65536), ('1', 1), ('1B', 1), ('64KB', 65536), ('64KiB', 65536), ('64kb', 65536),
    ('64k', 65536), ('64 KB', 65536), (' 64K ', 65536), ('0.5MB', 524288), ('.5m', 524288),
    ('1MiB', 1 << 20), ('1.5KB', 1536), ('0.3KB', 307), ('2147483647', 2147483647),
])  # fmt: skip
def test_sizes(text, size):
  assert values.parse_size(text) == size


@pytest.mark.parametrize(
    'text', ['', 'KB', '64XB', '64GB', '-1', '0', '0.0001KB', '1e3', '2048MB', '0x40', '6 4', '१']
)
def test_no_sizes(text):
  with pytest.raises(ValueError, match=r'is no size; write|bytes; a size is from 1'):
    values.parse_size(text)


@given(st.integers(1, values.MAX_BYTES))
def test_whole_bytes_stay(size):
  assert values.parse_size(str(size)) == size
  if size < 1 << 21:
    assert values.parse_size(f'{size}KB') == values.parse_size(f'{size}KiB') == size << 10


@pytest.mark.parametrize(('text', 'factor'), [('1', 1.0), ('1.00', 1.0), ('1.10', 1.1), ('3', 3.0)])
def test_overheads(text, factor):
  assert values.parse_overhead(text) == factor


@pytest.mark.parametrize('text', ['', '0.9', '10%', 'inf', 'nan', '-2', 'much'])
def test_no_overheads(text):
  with pytest.raises(ValueError, match='MACs'):
    values.parse_overhead(text)


@pytest.mark.parametrize(('text', 'grid'), [('3x3', (3, 3)), ('2X4', (2, 4)), (' 1x16', (1, 16))])
def test_grids(text, grid):
  assert values.parse_grid(text) == grid


@pytest.mark.parametrize('text', ['', '3', '3x', 'x3', '3*3', '0x2', '2x0', '70000x1', '-1x2'])
def test_no_grids(text):
  with pytest.raises(ValueError, match=r'grid|patch'):
    values.parse_grid(text)


def command(found):
  def define(flag_values):
    values.define('size', 'arena', None, 'bytes of SRAM', flag_values)
    values.define('overhead', 'max_overhead', '1.00', 'MACs', flag_values)
    values.define('grid', 'grid', None, 'patches', flag_values)

  def action(flag_values, arguments):
    found.append((flag_values.arena, flag_values.max_overhead, flag_values.grid))
    return 0

  return Command('plan', 'plans', '', (0, 0), ('tflm-patch plan',), define, action)


def test_flags():
  found = []
  command(found).run(['--arena', '64KB', '--max-overhead=1.1', '--grid', '2x3'])
  command(found).run([])
  assert found == [(65536, 1.1, (2, 3)), (None, 1.0, None)]


@pytest.mark.parametrize('argument', ['--arena=lots', '--max-overhead=0.5', '--grid=3', '--grid='])
def test_flags_that_are_wrong(argument):
  with pytest.raises(UsageError) as error:
    command([]).run([argument])
  name = argument.split('=')[0].replace('-', '_').replace('__', '--')
  assert str(error.value).startswith(f'flag {name}') and '\n' not in str(error.value)


def test_the_help_shows_the_default(capsys):
  command([]).run(['--help'])
  text = capsys.readouterr().out
  assert '--max-overhead VALUE' in text and '(default 1.0)' in text


def test_a_flag_of_a_value_is_typed():
  flag_values = flags.FlagValues()
  values.define('size', 'arena', None, 'bytes', flag_values)
  assert flag_values['arena'].parser.flag_type() == 'size'
