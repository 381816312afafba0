# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of TFLite_Detection_PostProcess: read, and damaged in any way."""

import numpy as np
import pytest
from flatbuffers import flexbuffers

from tflm_patch.arena.detection import sizes

GOOD = bytes(flexbuffers.Dumps({'max_detections': 10, 'num_classes': 90, 'y_scale': 10.0}))


def test_options_are_read():
  assert sizes(GOOD) == (10, 90)
  assert sizes(bytes(flexbuffers.Dumps({'num_classes': 3}))) == (0, 3)


@pytest.mark.parametrize('value', [-1, 1 << 40, 'ten', [1, 2], None])
def test_other_values_count_as_none(value):
  data = bytes(flexbuffers.Dumps({'max_detections': value, 'num_classes': 3}))
  assert sizes(data) == (0, 3)


def test_damaged_options_never_crash():
  rng = np.random.default_rng(1)
  for length in range(len(GOOD)):
    assert all(0 <= size < 1 << 31 for size in sizes(GOOD[:length]))
  for _ in range(3000):
    data = bytearray(GOOD)
    for at in rng.integers(0, len(data), rng.integers(1, 4)):
      data[at] = rng.integers(256)
    assert all(0 <= size < 1 << 31 for size in sizes(bytes(data)))
