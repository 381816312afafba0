# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Zeros around maps, and parts of maps."""

from __future__ import annotations

from typing import Any

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.pad import Pad, Slice
from tflm_patch.quantization.operators.window import Pair


def _pairs(sizes: Any) -> tuple[Pair, Pair]:
  """Of rows and columns; a line has one column."""
  if isinstance(sizes[0], int):
    return (int(sizes[0]), int(sizes[1])), (0, 0)
  first, second = ((int(a), int(b)) for a, b in sizes)
  return first, second


@layer('ZeroPadding1D', 'ZeroPadding2D')
def zero_padding(call: Call) -> Value:
  """PAD."""
  call.need_channels_last()
  padding = ((0, 0), *_pairs(call.layer.padding), (0, 0))
  y = call.add(Pad(padding), call.as_map(call.input))
  return call.as_line(y) if call.input.rank == 3 else y


@layer('Cropping1D', 'Cropping2D')
def cropping(call: Call) -> Value:
  """STRIDED_SLICE."""
  call.need_channels_last()
  x = call.as_map(call.input)
  (top, bottom), (left, right) = _pairs(call.layer.cropping)
  end = (1, x.shape[1] - bottom, x.shape[2] - right, x.channels)
  y = call.add(Slice((0, top, left, 0), end, (1, 1, 1, 1)), x)
  return call.as_line(y) if call.input.rank == 3 else y
