# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The bytes that TFLM computes, without TFLM: a forward pass in integers.

`ExactNetwork` runs an int8 graph on batches, with numpy's 64-bit integers or, with
`keras_arithmetic`, on any backend of Keras in 32-bit integers and float32 alone. Parameters
(multipliers, shifts, tables, folded biases) are those of the planner's lowering: there is
one place that computes them.
"""

from __future__ import annotations

from tflm_patch.quantization.exact.arithmetic import Arithmetic, NumpyArithmetic
from tflm_patch.quantization.exact.network import ExactNetwork

__all__ = ['Arithmetic', 'ExactNetwork', 'NumpyArithmetic']
