# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware training whose forward pass is that of the written int8 model."""

from __future__ import annotations

from tflm_patch.training.quantization_aware.callback import QuantizationAware
from tflm_patch.training.quantization_aware.options import QuantizationAwareOptions, RangeMode

__all__ = ['QuantizationAware', 'QuantizationAwareOptions', 'RangeMode']
