# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What each kind of operator of a stage computes, on whole maps."""

from __future__ import annotations

from tflm_patch.quantization.exact.kinds import (
  blocks,
  convolution,
  elementwise,
  fully_connected,
  lookup,
  mean,
  pad,
  pool,
  resize,
  softmax,
  split,
  transpose_conv,
)
from tflm_patch.quantization.exact.kinds.registry import KINDS, Maps

__all__ = [
  'KINDS',
  'Maps',
  'blocks',
  'convolution',
  'elementwise',
  'fully_connected',
  'lookup',
  'mean',
  'pad',
  'pool',
  'resize',
  'softmax',
  'split',
  'transpose_conv',
]
