# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of cells become cells, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tflm_patch.program.params import BlockParams
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic
from tflm_patch.quantization.exact.kinds.registry import Maps, kind

_ORDER = (0, 1, 3, 2, 4, 5)


@kind(Kind.SPACE_TO_DEPTH)
def space_to_depth(
  arithmetic: Arithmetic, params: BlockParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """The cells of a block, row by row, in the channels of one."""
  block, small = params.block, maps.output
  channels = maps.input.channels
  apart = arithmetic.xp.reshape(values[0], (-1, small.rows, block, small.cols, block, channels))
  ordered = arithmetic.xp.transpose(apart, _ORDER)
  return arithmetic.xp.reshape(ordered, (-1, small.rows, small.cols, small.channels))


@kind(Kind.DEPTH_TO_SPACE)
def depth_to_space(
  arithmetic: Arithmetic, params: BlockParams, maps: Maps, values: Sequence[Any]
) -> Any:
  """The other way."""
  block, small, large = params.block, maps.input, maps.output
  apart = arithmetic.xp.reshape(
    values[0], (-1, small.rows, small.cols, block, block, large.channels)
  )
  ordered = arithmetic.xp.transpose(apart, _ORDER)
  return arithmetic.xp.reshape(ordered, (-1, large.rows, large.cols, large.channels))
