# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sizes, overheads and grids as users type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.cli import values
from tflm_patch.cli.command import Command, CommandParser, UsageError


@pytest.mark.parametrize(
  ('text', 'size'),
  [
    ('65536', 65536),
    ('1', 1),
    ('1B', 1),
    ('64KB', 65536),
    ('64KiB', 65536),
    ('64kb', 65536),
    ('64k', 65536),
    ('64 KB', 65536),
    (' 64K ', 65536),
    ('0.5MB', 524288),
    ('.5m', 524288),
    ('1MiB', 1 << 20),
    ('1.5KB', 1536),
    ('0.3KB', 307),
    ('2147483647', 2147483647),
  ],
)
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


@pytest.mark.parametrize('text', ['', '0', '-1', '1.5', '٣', 'many', '0x3', '9' * 5000 + 'x'])
def test_no_counts(text):
  with pytest.raises(ValueError, match='no whole number of at least 1'):
    values.parse_count(text)


def test_names():
  assert values.parse_names('-fold_pad, stage') == ('-fold_pad', 'stage')
  assert values.parse_names('') == ()


def command(found):
  def define(parser):
    parser.add_argument('--arena', type=values.argument(values.parse_size))
    parser.add_argument('--max-overhead', type=values.argument(values.parse_overhead), default=1.0)
    parser.add_argument('--grid', type=values.argument(values.parse_grid))

  def run(arguments):
    found.append((arguments.arena, arguments.max_overhead, arguments.grid))
    return 0

  plan = Command('plan', 'plans', '[--arena SIZE]', ('tflm-patch plan',), define, run)
  return CommandParser(plan, 'tflm-patch plan')


def test_options():
  found = []
  for line in (['--arena', '64KB', '--max-overhead=1.1', '--grid', '2x3'], []):
    arguments = command(found).parse_args(line)
    assert arguments.run(arguments) == 0
  assert found == [(65536, 1.1, (2, 3)), (None, 1.0, None)]


@pytest.mark.parametrize(
  ('argument', 'reason'),
  [
    ('--arena=lots', 'write bytes, or a number with KB or MB'),
    ('--max-overhead=0.5', 'fewer MACs'),
    ('--grid=3', 'write rows x columns'),
    ('--grid=', 'write rows x columns'),
    ('--gri=3x3', 'unknown or superfluous'),  # no abbreviations: they would break later
    ('more', 'unknown or superfluous: more'),
  ],
)
def test_options_that_are_wrong(argument, reason):
  with pytest.raises(UsageError) as error:
    command([]).parse_args([argument])
  message = str(error.value)
  assert reason in message and '\n' not in message
  assert message.endswith('see tflm-patch plan --help')
