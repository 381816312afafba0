# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Larger maps."""

from __future__ import annotations

from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.resize import ResizeBilinear, ResizeNearest

_RESIZES = {'nearest': ResizeNearest, 'bilinear': ResizeBilinear}


@layer('UpSampling2D')
def up_sampling(call: Call) -> Value:
  """RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""
  call.need_channels_last()
  name = call.layer.interpolation
  if name not in _RESIZES:
    raise call.error(f'interpolation is {name}; TFLM has {" and ".join(_RESIZES)}')
  _, rows, cols, _ = call.input.shape
  size = (rows * int(call.layer.size[0]), cols * int(call.layer.size[1]))
  return call.add(_RESIZES[name](size), call.input)


@layer('UpSampling1D')
def up_sampling_line(call: Call) -> Value:
  """RESIZE_NEAREST_NEIGHBOR."""
  x = call.as_map(call.input)
  return call.as_line(call.add(ResizeNearest((x.shape[1] * int(call.layer.size), 1)), x))
