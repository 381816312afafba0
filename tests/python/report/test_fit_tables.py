# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What `tflm-patch fit` prints of an answer."""

import dataclasses

from tflm_patch.conversion.fit_types import Fit, Gear, Verdict
from tflm_patch.report.fit_table import fit_summary, fits_table

FITS = Fit(
  target='stm32f412',
  verdict=Verdict.FITS,
  gear=Gear.FULL,
  arena=60_000,
  arena_required=60_016,
  arena_limit=262_144,
  flash=300_000,
  flash_limit=1_048_576,
  macs=12_345_678,
  instructions=24_680_000,
)
TOO_LARGE = dataclasses.replace(
  FITS,
  target='rp2350',
  verdict=Verdict.TOO_LARGE,
  arena_limit=50_000,
  flash_limit=None,
  instructions=None,
  bound_by='CONV_2D 3',
  option='--patches',
  option_arena=48_000,
)


def test_what_fits():
  text = fit_summary(FITS)
  assert text.startswith('stm32f412: fits\n')
  assert '60,000 bytes, in an array of 60,016 of 262,144: 202,128 left' in text
  assert 'flash: 300,000 bytes of 1,048,576 bytes' in text
  assert '12,345,678 MACs, about 24.7 million instructions (a model, not a measurement)' in text
  assert 'bound by' not in text and 'fits with' not in text
  timed = fit_summary(dataclasses.replace(FITS, cycles=37_000_000, milliseconds=370.04))
  assert '24.7 million instructions, 37.0 million cycles, 370.0 ms (a model, not' in timed


def test_what_does_not_fit_says_what_would():
  text = fit_summary(TOO_LARGE)
  assert text.startswith('rp2350: does not fit\n')
  assert ': 10,016 missing' in text and 'of external flash' in text
  assert text.endswith('bound by: CONV_2D 3\nfits with --patches: an arena of 48,000 bytes')
  hopeless = dataclasses.replace(TOO_LARGE, option='', option_arena=None)
  assert fit_summary(hopeless).endswith('a smaller model or input would')


def test_a_line_a_chip():
  lines = fits_table([FITS, TOO_LARGE]).splitlines()
  assert [line.split()[0] for line in lines[2:]] == ['stm32f412', 'rp2350']
  assert '+202,128' in lines[2] and '-10,016' in lines[3]
  assert 'CONV_2D 3' in lines[3] and '--patches' in lines[3] and 'external' in lines[3]
