# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""No head."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.architecture.heads.base import register
from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Head


@register(Head('none', classes=0))
def emit(head: Head, builder: LayerBuilder, ends: Sequence[int]) -> tuple[int, ...]:
  """The last block's output is the answer, as of autoencoders"""
  del head, builder
  return (ends[-1],)
