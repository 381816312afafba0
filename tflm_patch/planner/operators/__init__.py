# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The operators that a stage can hold, one file each."""

from tflm_patch.planner.operators import (
    add,
    concatenation,
    conv,
    depthwise_conv,
    fully_connected,
    lookup,
    maximum_minimum,
    mean,
    mul,
    pad,
    pool,
    prelu,
    quantize_ops,
    reshape,
    resize_bilinear,
    resize_nearest,
    softmax,
    sub,
    transpose,
    transpose_conv,
)
from tflm_patch.planner.operators.base import REGISTRY, OpView, Violation, check

__all__ = [
    'REGISTRY',
    'OpView',
    'Violation',
    'add',
    'check',
    'concatenation',
    'conv',
    'depthwise_conv',
    'fully_connected',
    'lookup',
    'maximum_minimum',
    'mean',
    'mul',
    'pad',
    'pool',
    'prelu',
    'quantize_ops',
    'reshape',
    'resize_bilinear',
    'resize_nearest',
    'softmax',
    'sub',
    'transpose',
    'transpose_conv',
]  # fmt: skip
