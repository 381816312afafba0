# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles of executed blocks: documented timings of a core, applied to its disassembly."""

from tflm_patch.bench.timing.blocks import Cycles, cycles_of
from tflm_patch.bench.timing.cores import TIMINGS, CoreTiming
from tflm_patch.bench.timing.flash import Flash

__all__ = ['TIMINGS', 'CoreTiming', 'Cycles', 'Flash', 'cycles_of']
