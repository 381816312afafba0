# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The threshold that follows the device's errors: in Python, and in C on two machines."""

import dataclasses

import numpy as np
import pytest
from support import cortex_m4
from support.compiled import run
from support.firmware import C11, need

from tflm_patch.errors import TflmPatchError
from tflm_patch.training import AdaptiveThreshold

QUANTILE = 0.99
MAIN = """
#include <stdint.h>
#include <stdio.h>
#include "adaptive.h"
#include "errors.h"
int main(void) {
  AnomalyState state = {SAVED};
  for (int i = 0; i < COUNT; ++i) {
    int alarm = anomaly_adapt(&state, errors[i]);
    printf("%d %lu %lu\\n", alarm, (unsigned long)(state.threshold >> 32),
           (unsigned long)(state.threshold & 0xFFFFFFFF));
  }
  return 0;
}
"""


def in_c(folder, threshold, errors, saved='0, 0', flags=(), machine='host'):
  """(alarm, threshold with its fraction bits) behind every error."""
  (folder / 'adaptive.h').write_text(threshold.c_text())
  values = ', '.join(f'UINT64_C({error})' for error in errors.tolist())
  (folder / 'errors.h').write_text(
    f'#define COUNT {len(errors)}\nstatic const uint64_t errors[] = {{{values}}};\n'
  )
  (folder / 'main.c').write_text(MAIN.replace('SAVED', saved))
  if machine == 'host':
    need('gcc')
    run('gcc', *C11, *flags, '-O2', 'main.c', '-o', 'main', cwd=folder)
    printed = run('./main', cwd=folder)
  else:
    if missing := cortex_m4.missing():
      pytest.skip(missing)
    link = *cortex_m4.LINK, *cortex_m4.SEMIHOSTING
    all_flags = *cortex_m4.CORTEX_M4.flags, *C11, *flags
    run('arm-none-eabi-gcc', *all_flags, 'main.c', *link, '-o', 'main', cwd=folder)
    printed = cortex_m4.emulate(folder / 'main', folder)
  rows = [tuple(map(int, line.split())) for line in printed.splitlines()]
  return [(alarm, (high << 32) + low) for alarm, high, low in rows]


def in_python(threshold, errors, start=None):
  found, now = [], threshold.start if start is None else start
  for error in errors:
    (alarm,), now = threshold.follow(np.array([error], np.uint64), now)
    found.append((int(alarm), now))
  return found


def normal_errors(count, seed, scale=1.0):
  """Sums of squares of 40 values: chi-squared, in the unit of a detector's factors."""
  rng = np.random.default_rng(seed)
  return (scale * rng.chisquare(40, count) * 2.0**30).astype(np.uint64)


def trained(**options):
  chosen = int(np.quantile(normal_errors(20_000, 0), QUANTILE))
  return AdaptiveThreshold(chosen, QUANTILE, **options)


@pytest.mark.parametrize('machine', ['host', 'cortex-m4'])
def test_the_c_moves_the_same(tmp_path, machine):
  """Normal errors, a fault that reaches the highest threshold, silence that reaches the lowest."""
  threshold = dataclasses.replace(trained(step_shift=4, factor=2), quantile=0.9)
  parts = normal_errors(200, 1), normal_errors(60, 2, 9.0), normal_errors(300, 3, 1e-6)
  errors = np.concatenate(parts)
  found = in_c(tmp_path, threshold, errors, machine=machine)
  assert found == in_python(threshold, errors)
  assert {threshold.highest, threshold.lowest} <= {now for _, now in found}


@pytest.mark.parametrize('chosen', [0, 1, 3, 1 << 40, (1 << 53) + 1, (1 << 63) - 1, (1 << 64) - 1])
@pytest.mark.parametrize('quantile', [1e-9, 0.5, 1 - 1e-9, 1.0])
def test_the_c_at_the_limits(tmp_path, chosen, quantile):
  threshold = AdaptiveThreshold(chosen, quantile, 4, 16)
  errors = np.array([0, 1, 2, chosen, (1 << 64) - 1] * 3 + [(1 << 64) - 1] * 60, np.uint64)
  assert in_c(tmp_path, threshold, errors) == in_python(threshold, errors)
  assert threshold.lowest >> (16 + 20) > 0, 'the slowest steps are none'


def test_what_firmware_defines_before_the_header(tmp_path):
  errors = normal_errors(400, 4)
  flags = '-DANOMALY_STEP_SHIFT=5', '-DANOMALY_RANGE=1'
  expected = in_python(trained(step_shift=5, factor=1), errors)
  assert in_c(tmp_path, trained(), errors, flags=flags) == expected
  for wrong in ('-DANOMALY_STEP_SHIFT=17', '-DANOMALY_RANGE=0'):
    with pytest.raises(AssertionError, match='ANOMALY_'):
      in_c(tmp_path, trained(), errors, flags=(wrong,))


def test_a_saved_state_goes_on_and_what_is_none_starts_anew(tmp_path):
  threshold, errors = trained(), normal_errors(50, 5)
  kept = threshold.start + threshold.start // 3
  saved = f'UINT64_C({threshold.start}), UINT64_C({kept})'
  assert in_c(tmp_path, threshold, errors, saved) == in_python(threshold, errors, kept)
  anew = in_python(threshold, errors)
  other = f'UINT64_C({threshold.start + 1}), UINT64_C({kept})'
  too_high = f'UINT64_C({threshold.start}), UINT64_C({threshold.highest + 1})'
  for saved in ('UINT64_MAX, UINT64_MAX', other, too_high):
    assert in_c(tmp_path, threshold, errors, saved) == anew


def test_false_alarms_return_when_what_is_normal_drifts():
  """A machine whose normal errors double within 20,000 windows, and stay so."""
  threshold, rate = trained(), 1 - QUANTILE
  before = normal_errors(20_000, 6)
  drifting = (normal_errors(20_000, 7) * np.linspace(1, 2, 20_000)).astype(np.uint64)
  worn = normal_errors(20_000, 8, 2.0)
  assert np.mean(worn > threshold.trained) > 30 * rate, 'the fixed threshold would do'
  alarms, now = threshold.follow(before)
  assert 0.7 * rate < alarms.mean() < 1.3 * rate
  alarms, now = threshold.follow(drifting, now)
  assert alarms.mean() < 2 * rate
  alarms, now = threshold.follow(worn, now)
  assert 0.7 * rate < alarms.mean() < 1.3 * rate
  assert now >> threshold.fraction_bits == pytest.approx(np.quantile(worn, QUANTILE), rel=0.1)
  # Failures, 20 windows long, are told before and after.
  for seed, scale in enumerate((1.0, 2.0)):
    start = threshold.start if scale == 1 else now
    alarms, _ = threshold.follow(normal_errors(20, 9 + seed, 4 * scale), start)
    assert alarms.all()


def test_a_long_fault_is_not_learned_as_normal():
  threshold = trained()
  fault = normal_errors(50_000, 11, 12.0)
  alarms, now = threshold.follow(fault)
  assert now == threshold.highest and alarms.mean() > 0.99
  # Mended, the threshold comes down again, to what the quantile is.
  alarms, now = threshold.follow(normal_errors(60_000, 12), now)
  assert now >> threshold.fraction_bits == pytest.approx(threshold.trained, rel=0.1)


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    ({'trained': -1}, 'trained is -1'),
    ({'trained': 1 << 64}, 'trained is'),
    ({'quantile': 0.0}, 'quantile is 0'),
    ({'step_shift': 3}, 'step_shift is 3; it is 4 to 16'),
    ({'factor': 17}, 'factor is 17; it is 1 to 16'),
  ],
)
def test_values_out_of_range(changed, message):
  with pytest.raises(TflmPatchError, match=message):
    AdaptiveThreshold(**{'trained': 5, 'quantile': 0.9, **changed})
