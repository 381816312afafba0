# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Instructions, stack and code size of converted models on emulated microcontrollers."""

from tflm_patch.bench.measure import BenchResult, bench
from tflm_patch.planner.work import predict

__all__ = ['BenchResult', 'bench', 'predict']
