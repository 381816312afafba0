# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Kinds of heads, one a module; importing them registers them."""

from tflm_patch.architecture.heads import classifier, detectors, none
from tflm_patch.architecture.heads.base import REGISTRY, HeadKind, register

__all__ = ['REGISTRY', 'HeadKind', 'classifier', 'detectors', 'none', 'register']
