# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators that gradients pass through, one file each; importing the package registers them."""

from tflm_patch.on_device.operators.base import REGISTRY, Backward, backward_of
from tflm_patch.registration import import_all

__all__ = ['REGISTRY', 'Backward', 'backward_of']

import_all(__name__)
