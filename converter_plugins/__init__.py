# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of the graph, one file each; importing the package registers them."""

from converter_plugins import (
    boundary_quantize,
    fold_pad,
    line_to_column,
    reshape_noop,
    transpose_mean,
)
from converter_plugins.registry import (
    Change,
    Context,
    Plugin,
    Registered,
    all_plugins,
    register,
    run_plugins,
    select,
)

__all__ = [
    'Change',
    'Context',
    'Plugin',
    'Registered',
    'all_plugins',
    'boundary_quantize',
    'fold_pad',
    'line_to_column',
    'register',
    'reshape_noop',
    'run_plugins',
    'select',
    'transpose_mean',
]  # fmt: skip
