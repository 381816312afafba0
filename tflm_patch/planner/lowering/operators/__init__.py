# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The operators that a stage can hold, one file each; importing the package registers them."""

from tflm_patch.planner.lowering.operators.base import REGISTRY, OpView, Violation, check
from tflm_patch.registration import import_all

__all__ = ['REGISTRY', 'OpView', 'Violation', 'check']

import_all(__name__)
