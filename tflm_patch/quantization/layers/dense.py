# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Dense layers."""

from __future__ import annotations

import numpy as np

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
  y = of_rows(call, call.input, kernel, call.bias(kernel.shape[1]))
  y = call.reshape(y, (*call.input.shape[:-1], kernel.shape[1]))
  return activate(call, y, call.layer.activation)


def of_rows(call: Call, x: Value, kernel: np.ndarray, bias: np.ndarray) -> Value:
  """The product of the last dimensions, as many values as the kernel has rows, and a kernel.

  Args:
    call: The layer.
    x: [1, ..., values]; its last dimensions together have the kernel's rows.
    kernel: float32[rows, columns].
    bias: float32[columns].

  Returns:
    [1, columns], [1, n, columns] or [1, n, m, columns].
  """
  rows = kernel.shape[0]
  if x.rank == 2 or x.elements == rows != x.channels:
    return call.add(FullyConnected(kernel, bias), call.reshape(x, (1, rows)))
  if x.rank > 4 or x.channels != rows:
    x = call.reshape(x, (1, x.elements // rows, rows))
  y = call.add(Conv2D(Window((1, 1)), kernel[None, None], bias), call.as_map(x))
  return call.as_line(y) if x.rank == 3 else y
