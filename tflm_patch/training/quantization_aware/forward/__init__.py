# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What each operation computes on fake-quantized values. One file a family."""

from __future__ import annotations

from tflm_patch.training.quantization_aware.forward import (
  elementwise,
  functions,
  means,
  moves,
  weighted,
)
from tflm_patch.training.quantization_aware.forward.registry import FORWARD, Pass, Table

__all__ = ['FORWARD', 'Pass', 'Table', 'elementwise', 'functions', 'means', 'moves', 'weighted']
