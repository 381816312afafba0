# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cases of operators that keep a state; the inputs of a case come one after the other."""

from __future__ import annotations

from support.operator_cases import Case
from tflm_patch.graph.types import DType

VECTOR = (1, 13)
SEQUENCE = (1, 6, 7)

RECURRENT_CASES = [
  Case('svdf', lambda b, x: b.svdf(x, 9), VECTOR, framed=False),
  Case('svdf_rank_2', lambda b, x: b.svdf(x, 5, 4, rank=2), VECTOR, framed=False),
  Case('svdf_rank_3_relu', lambda b, x: b.svdf(x, 3, 3, 3, activation=1), VECTOR, framed=False),
  Case('svdf_no_memory', lambda b, x: b.svdf(x, 4, 1), VECTOR, framed=False),
  Case('svdf_int16', lambda b, x: b.svdf(x, 6, 7, 2, DType.INT16), VECTOR, framed=False),
  Case('svdf_of_svdf', lambda b, x: b.svdf(b.svdf(x, 7, 3), 2, 9), VECTOR, framed=False),
  Case('lstm', lambda b, x: b.lstm(x, 5), SEQUENCE, framed=False),
  Case('lstm_of_lstm', lambda b, x: b.lstm(b.lstm(x, 8), 4), SEQUENCE, framed=False),
  Case('lstm_one_step', lambda b, x: b.lstm(x, 3), (1, 1, 4), framed=False),
  Case('lstm_one_unit', lambda b, x: b.lstm(x, 1), (1, 3, 1), framed=False),
  Case('lstm_without_clip', lambda b, x: b.lstm(x, 6, clip=0.0), SEQUENCE, framed=False),
  Case('lstm_clip', lambda b, x: b.lstm(x, 6, clip=0.25), SEQUENCE, framed=False),
  *(
    Case(f'lstm_cell_{-power}', lambda b, x, p=power: b.lstm(x, 5, p), SEQUENCE, framed=False)
    for power in (0, -3, -9, -11, -13, -15, -20, -27)
  ),
]
