# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Kinds of blocks, one a module; importing them registers them."""

from tflm_patch.architecture.blocks import (
  basic,
  conv,
  dense,
  depthwise,
  edge_residual,
  inverted_bottleneck,
  pools,
  separable,
)
from tflm_patch.architecture.blocks.base import REGISTRY, BlockKind, register

__all__ = [
  'REGISTRY',
  'BlockKind',
  'basic',
  'conv',
  'dense',
  'depthwise',
  'edge_residual',
  'inverted_bottleneck',
  'pools',
  'register',
  'separable',
]
