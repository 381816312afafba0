# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The table of exponentials of SOFTMAX.

That the tables lead to TFLM's own output bytes is tested by test_golden.c, whose
tables come from exp_table, and by the end-to-end tests.
"""

import math

import numpy as np
import pytest

from tflm_patch.planner.lowering.operators.softmax_table import exp_table


@pytest.mark.parametrize('scale', [1e-6, 0.0039, 0.05, 0.1, 0.7, 3.0])
@pytest.mark.parametrize('beta', [0.25, 1.0])
def test_is_exp(beta, scale):
  table, diff_min = exp_table(beta, scale)
  assert table.dtype == np.int32
  assert table.shape == (256,)
  for i, value in enumerate(table.tolist()):
    if i <= -diff_min:
      assert value / 2**31 == pytest.approx(math.exp(-i * beta * scale), abs=1e-6)
    else:
      assert value == 0


def test_steep():
  table, diff_min = exp_table(1.0, 40.0)  # beyond 2^31: only the maximum counts
  assert diff_min == 0
  assert table[0] == 2**31 - 1
  assert not table[1:].any()


@pytest.mark.parametrize(
  ('beta', 'scale'), [(0.0, 0.1), (1.0, 2.0**-26), (-1.0, 0.1), (math.nan, 0.1), (1.0, math.nan)]
)
def test_refuses_what_tflm_refuses(beta, scale):
  with pytest.raises(ValueError, match='softmax'):
    exp_table(beta, scale)
