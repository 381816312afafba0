# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that move values: their float versions do it, as zero is zero."""

from __future__ import annotations

from typing import Any

from keras import ops

from tflm_patch.quantization.network import Node
from tflm_patch.quantization.operators.concatenation import Concatenation
from tflm_patch.quantization.operators.pad import Pad, Slice
from tflm_patch.quantization.operators.reshape import Reshape, Transpose
from tflm_patch.quantization.operators.resize import ResizeNearest
from tflm_patch.training.quantization_aware.forward.registry import Pass, forward


@forward(Concatenation, Pad, Reshape, ResizeNearest, Slice, Transpose)
def move(run: Pass, node: Node) -> Any:
  """Steps, all of one scale."""
  return node.operation.evaluate(ops, [run.steps(value) for value in node.inputs])
