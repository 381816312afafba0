# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites of the graph, one file each; importing the package registers them."""

from converter_plugins.registry import (
    Change,
    Context,
    Plugin,
    Registered,
    Rewritten,
    all_plugins,
    register,
    run_plugins,
    select,
)
from tflm_patch.registration import import_all

__all__ = [
    'Change',
    'Context',
    'Plugin',
    'Registered',
    'Rewritten',
    'all_plugins',
    'register',
    'run_plugins',
    'select',
]

import_all(__name__)
