# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A small space for searches, as its file says it."""

SMALL = {
  'name': 'small',
  'inputs': [[8, 8, 1], [16, 16, 1]],
  'widths': [0.5, 1],
  'stem': ['conv3_s2_c16'],
  'stages': [
    {'block': 'ir_c16', 'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 4]},
    {'block': 'ir_s2_c24', 'depths': [1, 2], 'expansions': [2, 4]},
  ],
  'head': 'fc10',
}
