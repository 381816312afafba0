# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Dense layers."""

from __future__ import annotations

from tflm_patch.quantization.layers.activation import activate
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.conv import Conv2D
from tflm_patch.quantization.operators.fully_connected import FullyConnected
from tflm_patch.quantization.operators.window import Window


@layer('Dense')
def dense(call: Call) -> Value:
  """FULLY_CONNECTED; of the channels of a map or a line a convolution of one cell."""
  kernel = call.weights('kernel')
  bias = call.bias(kernel.shape[1])
  if call.input.rank == 2:
    y = call.add(FullyConnected(kernel, bias), call.input)
  else:
    y = call.add(Conv2D(Window((1, 1)), kernel[None, None], bias), call.as_map(call.input))
    y = call.as_line(y) if call.input.rank == 3 else y
  return activate(call, y, call.layer.activation)
