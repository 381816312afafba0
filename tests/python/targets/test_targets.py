# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of chips, and chips of users."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch import targets
from tflm_patch.cli import main
from tflm_patch.errors import TflmPatchError

ROOT = pathlib.Path(__file__).resolve().parents[3]
KB = 1024
MINE = {
  'name': 'My_Chip',
  'cpu': 'Arm Cortex-M7',
  'kernels': 'dsp',
  'clock_hz': 168000000,
  'sram_bytes': 192 * KB,
  'sram_contiguous_bytes': 128 * KB,
  'flash_bytes': None,
  'source': 'its data sheet',
}


@pytest.fixture
def write(tmp_path):
  def save(content):
    path = tmp_path / 'chip.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path

  return save


def test_the_chips_that_come_with_it():
  names = [target.name for target in targets.all_targets()]
  assert names == [
    'apollo4',
    'corstone300',
    'esp32s3',
    'nrf52840',
    'rp2040',
    'rp2350',
    'stm32f412',
    'stm32f746',
    'stm32h743',
    'stm32l4r5',
    'stm32n6',
  ]


# SRAM, the largest piece, flash in KB, and the clock in MHz, as in the data sheets.
@pytest.mark.parametrize(
  ('name', 'figures'),
  [
    ('stm32f412', (256, 256, 1024, 100)),
    ('stm32f746', (320, 320, 1024, 216)),
    ('stm32h743', (992, 512, 2048, 480)),
    ('stm32l4r5', (640, 640, 2048, 120)),
    ('stm32n6', (4224, 4224, None, 800)),
    ('nrf52840', (256, 256, 1024, 64)),
    ('rp2040', (264, 264, None, 133)),
    ('rp2350', (520, 520, None, 150)),
    ('esp32s3', (480, 416, None, 240)),
    ('apollo4', (1888, 1888, 2048, 192)),
    ('corstone300', (3584, 2048, None, 32)),
  ],
)
def test_figures(name, figures):
  target = targets.load(name)
  flash = None if target.flash_bytes is None else target.flash_bytes // KB
  assert (
    target.sram_bytes // KB,
    target.sram_contiguous_bytes // KB,
    flash,
    target.clock_hz // 1000000,
  ) == figures
  assert target.source and target.chip


def test_kernels_suit_the_core():
  families = {
    'M0+': 'portable',
    'LX7': 'portable',
    'M4F': 'dsp',
    'M7': 'dsp',
    'M33': 'dsp',
    'M55': 'mve',
  }
  for target in targets.all_targets():
    assert families[target.cpu.split('-')[-1].split()[-1]] == target.kernels, target.name


@pytest.mark.parametrize('name', ['stm32f746', 'STM32F746', ' Stm32f746 '])
def test_names_in_any_case(name):
  assert targets.load(name).name == 'stm32f746'


@pytest.mark.parametrize(
  ('name', 'hint'),
  [
    ('stm32f764', 'did you mean "stm32f746"; a file'),
    ('ESP32_S3', 'did you mean "esp32s3"'),
    ('pdp11', 'known are apollo4'),
    ('', 'known are apollo4'),
  ],
)
def test_unknown_names(name, hint):
  with pytest.raises(TflmPatchError, match=hint):
    targets.load(name)


def test_a_chip_of_a_user(write):
  target = targets.load(write(MINE))
  assert target == targets.Target(**{**MINE, 'name': 'my_chip'})
  with pytest.raises(dataclasses.FrozenInstanceError):
    target.name = 'other'


def without(*keys):
  return {key: value for key, value in MINE.items() if key not in keys}


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', 'is no JSON'),
    ('{', 'is no JSON'),
    ('[' * 60000, 'is no JSON'),
    ('{"name": "a", "name": "b"}', 'field "name" stands there twice'),
    (' ' * 70000, 'is longer than'),
    ([MINE], 'holds no object'),
    ({}, 'has no field "name"'),
    (without('flash_bytes'), 'has no field "flash_bytes"'),
    ({**MINE, 'sram_byte': 5}, 'unknown field "sram_byte"; did you mean "sram_bytes"'),
    ({**MINE, 'price': 5}, 'unknown field "price"; known are'),
    ({**MINE, 'name': 5}, 'field "name" is no text'),
    ({**MINE, 'name': 'a\nb'}, 'field "name" holds characters'),
    ({**MINE, 'kernels': 'neon'}, 'field "kernels" is none of portable'),
    ({**MINE, 'kernels': []}, 'field "kernels" is none of portable'),
    ({**MINE, 'clock_hz': '168 MHz'}, 'field "clock_hz" is no whole number'),
    ({**MINE, 'clock_hz': True}, 'field "clock_hz" is no whole number'),
    ({**MINE, 'clock_hz': 1e6}, 'field "clock_hz" is no whole number'),
    ({**MINE, 'sram_bytes': 0}, 'field "sram_bytes" is 0'),
    ({**MINE, 'flash_bytes': -1}, 'field "flash_bytes" is -1'),
    ({**MINE, 'sram_bytes': 1 << 60}, 'field "sram_bytes" is'),
    ({**MINE, 'sram_contiguous_bytes': 200 * KB}, 'is larger than "sram_bytes"'),
  ],
)
def test_files_that_describe_no_chip(content, message, write):
  with pytest.raises(TflmPatchError, match=message) as error:
    targets.load(write(content))
  assert '\n' not in str(error.value) and 'chip.json: ' in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
  for path in (tmp_path / 'absent.json', tmp_path, f'{tmp_path}/no_suffix'):
    with pytest.raises(TflmPatchError, match='cannot be read'):
      targets.load(f'{path}/' if path is tmp_path else path)
  binary = tmp_path / 'binary.json'
  binary.write_bytes(b'\xff\xfe\x00')
  with pytest.raises(TflmPatchError, match='is no JSON'):
    targets.load(binary)


json_values = st.recursive(
  st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
  lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
  max_leaves=5,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*MINE, 'note', 'chip', 'x']), json_values))
def test_any_fields_give_a_chip_or_a_reason(fields):
  try:
    target = targets.parse({**MINE, **fields})
  except ValueError as error:
    assert str(error)
  else:
    assert 0 < target.sram_contiguous_bytes <= target.sram_bytes


def test_the_command(capsys, write):
  assert main.main(['targets']) == 0
  text = capsys.readouterr().out
  assert 'stm32h743' in text and '524,288' in text and 'external' in text and 'RM0433' in text
  assert main.main(['targets', str(write(MINE)), '--json']) == 0
  found = json.loads(capsys.readouterr().out)
  assert found['schema_version'] == 1
  assert found['targets'][0]['sram_contiguous_bytes'] == 128 * KB
  assert main.main(['targets', 'stm32f764']) == 1
  assert main.main(['targets', 'a', 'b']) == 2
  assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_the_page_names_every_chip_and_field():
  page = (ROOT / 'docs/targets.md').read_text()
  for target in targets.all_targets():
    assert f'`{target.name}`' in page
  for field in dataclasses.fields(targets.Target):
    assert f'`{field.name}`' in page
