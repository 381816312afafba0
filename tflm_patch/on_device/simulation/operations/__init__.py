# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What gradients pass, by the operator's name."""

from __future__ import annotations

from tflm_patch.on_device.simulation.operations import elementwise, moves, pools, relu
from tflm_patch.on_device.simulation.operations.base import OPERATIONS, Operation
from tflm_patch.on_device.simulation.operations.forward_only import ForwardOnly

__all__ = ['OPERATIONS', 'ForwardOnly', 'Operation', 'elementwise', 'moves', 'pools', 'relu']
