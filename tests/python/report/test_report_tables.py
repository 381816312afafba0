# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Tables as text."""

from tflm_patch import targets
from tflm_patch.report.tables import short_names, table, targets_summary


def test_columns_are_aligned():
  text = table(('name', 'kind', 'bytes'), [('a', 'ring', 12), ('longer', 'map', '3,456')], left=2)
  assert text.splitlines() == [
    'name    kind  bytes',
    '------  ----  -----',
    'a       ring     12',
    'longer  map   3,456',
  ]


def test_a_table_without_rows_has_a_header():
  assert table(('a', 'b'), []).splitlines() == ['a  b', '-  -']


def test_long_names_keep_their_ends():
  name = 'model/' + 'block/' * 20 + 'conv_7'
  text = short_names(f'"{name}" and "short"')
  cut = text.split('"')[1]
  assert len(cut) == 60 and cut.startswith('model/') and cut.endswith('conv_7') and '...' in cut
  assert text.endswith('and "short"')


def test_every_target_has_a_line_and_a_source():
  chips = targets.all_targets()
  text = targets_summary(chips)
  for chip in chips:
    lines = [line for line in text.splitlines() if line.split(' ')[0].rstrip(':') == chip.name]
    assert len(lines) == 2
    assert chip.kernels in lines[0] and f'{chip.sram_bytes:,}' in lines[0]
    assert chip.source in lines[1]
