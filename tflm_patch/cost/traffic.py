# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How often the kernels of a stage's operators access memory: loads and stores, of any size.

Counted from the loops of the dsp family (micro_kernels/src/dsp): what is widened or gathered
is read once a window, in words; 24 products of three widened pixels and two channels read six
words of values and two of weights, 16 of two pixels and two channels two words each. What fits
the kernel's stack is not counted: the stack lies in fast memory.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from tflm_patch.cost.blocks import widened_weights
from tflm_patch.cost.work import OperatorWork
from tflm_patch.program import dsp_limits
from tflm_patch.program.kinds import spec_of
from tflm_patch.program.records import Kind

_WORD = 4
# Kernels that move whole cells or rows.
_COPIES = frozenset(
  {
    Kind.ADD,
    Kind.CONCATENATION,
    Kind.FEED,
    Kind.PAD,
    Kind.RESHAPE,
    Kind.RESIZE_NEAREST,
    Kind.SLIDE,
    Kind.SPLIT,
    Kind.STRIDED_SLICE,
  }
)
_SOFTMAX_PASSES = 3  # over its input: the largest, the sum, the quotients


@dataclasses.dataclass(frozen=True)
class Traffic:
  """Accesses of an inference by one operator.

  Attributes:
    input: To its first input.
    output: To its outputs, all together.
    scratch: To its private memory.
    weights: To its constants.
  """

  input: float = 0
  output: float = 0
  scratch: float = 0
  weights: float = 0


def operator_traffic(work: OperatorWork) -> Traffic:
  """Accesses of an operator; those to inputs beside the first are `elementwise`."""
  if spec_of(work.kind).is_view:
    return Traffic()
  rule = _RULES.get(work.kind)
  if rule is not None:
    return rule(work)
  if work.macs:
    return _one_by_one(work)
  return _without_weights(work)


def elementwise(kind: Kind, elements: int) -> float:
  """Accesses to a map of so many elements that are read or written once."""
  return elements / _WORD if kind in _COPIES else elements


def _without_weights(work: OperatorWork) -> Traffic:
  elements, made = math.prod(work.input), math.prod(work.output)
  read = elementwise(work.kind, elements)
  if work.window:
    read = made * math.prod(work.kernel)
  if work.base_kind == Kind.SOFTMAX:
    read *= _SOFTMAX_PASSES
  # Sums are read and written for every element.
  scratch = 2 * elements if work.scratch_bytes else 0
  return Traffic(read, elementwise(work.kind, made), scratch)


def _one_by_one(work: OperatorWork) -> Traffic:
  """Of kernels that load a value and a weight for each product."""
  return Traffic(work.macs, math.prod(work.output), 0, work.macs)


def _stores(work: OperatorWork) -> float:
  """Bytes one by one; a clamp goes over them again in words."""
  made = math.prod(work.output)
  return made * (1 + 2 / _WORD) if work.clamped else made


def _conv(work: OperatorWork) -> Traffic:
  """CONV_2D; see src/dsp/conv.c."""
  made = math.prod(work.output)
  taps = work.macs // made
  if taps < _WORD or taps % math.prod(work.kernel) or _is_grouped(work, taps):
    return _one_by_one(work)
  pixels = work.output[0] * work.output[1]
  words = math.ceil(taps / _WORD)
  is_direct = work.kernel == (1, 1) and work.stride == (1, 1)
  has_scratch = work.scratch_bytes > dsp_limits.CONV_STACK_BYTES
  room = work.scratch_bytes if has_scratch else dsp_limits.CONV_STACK_BYTES
  is_gathered = not is_direct and work.input[2] % _WORD != 0
  in_blocks = widened_weights(work)
  if in_blocks:
    # What is widened is written once, and read by fours: of three pixels and of two channels.
    stored = 2 * (pixels * words + in_blocks)
    return Traffic(pixels * words, _stores(work), stored + work.macs / 4 + work.macs / 6, in_blocks)
  if dsp_limits.conv_bytes(taps, is_gathered, dsp_limits.WIDE_PIXELS) <= room:
    buffer, weights = 2 * pixels * words + work.macs / 4, work.macs / 12
  elif dsp_limits.is_in_parts(taps, work.input[2], work.output[2], room):
    times = math.ceil(work.output[2] / dsp_limits.PART_CHANNELS)
    widened = 2 * pixels * words * times + work.macs / 4
    scratch = widened if has_scratch else 0
    return Traffic(pixels * words * times, _stores(work), scratch, work.macs / 12)
  elif is_direct:
    return Traffic(work.macs / 8, _stores(work), 0, work.macs / 8)
  else:
    buffer, weights = pixels * words + work.macs / 8, work.macs / 8
  read = pixels * work.kernel[0] * math.ceil(taps / work.kernel[0] / _WORD)
  return Traffic(read, _stores(work), buffer if has_scratch else 0, weights)


def _is_grouped(work: OperatorWork, taps: int) -> bool:
  return taps != math.prod(work.kernel) * work.input[2]


def _depthwise(work: OperatorWork) -> Traffic:
  """DEPTHWISE_CONV_2D: four channels of a row at a time; see src/dsp/depthwise_conv.c."""
  (rows, _, channels), made = work.output, math.prod(work.output)
  kernel_h, kernel_w = work.kernel
  is_dsp = (
    channels == work.input[2]
    and channels >= dsp_limits.DEPTHWISE_CHANNELS
    and work.dilation[1] == 1
    and kernel_h <= dsp_limits.DEPTHWISE_KERNEL_H
    and kernel_w <= dsp_limits.DEPTHWISE_TAPS * work.stride[1]
    and work.stride[1] <= dsp_limits.DEPTHWISE_STRIDE
  )
  if not is_dsp:
    return _one_by_one(work)
  read = rows * kernel_h * work.input[1] * channels
  pairs = kernel_h * math.ceil(kernel_w / 2)
  # Words of two values of a channel, and sums between the kernel rows.
  planes = read / 2 + made * (pairs + 2)
  has_scratch = work.scratch_bytes > dsp_limits.DEPTHWISE_STACK_BYTES
  return Traffic(read / _WORD, _stores(work), planes if has_scratch else 0, rows * channels * pairs)


def _fully_connected(work: OperatorWork) -> Traffic:
  """A pixel and two channels at a time; where rows are summed up, sums are kept."""
  made = math.prod(work.output)
  is_summed = work.output[0] != work.input[0]
  sums = 2 * made * work.input[0] if is_summed and work.scratch_bytes else 0
  return Traffic(work.macs / 8, _stores(work), sums, work.macs / 4)


def _bottleneck(work: OperatorWork) -> Traffic:
  """What a tile sees is widened once; all else happens in the private memory."""
  seen = math.prod(work.input) / _WORD * work.kernel[0]
  return Traffic(seen, _stores(work), work.macs / 2, work.macs / 16)


_RULES: dict[Kind, Callable[[OperatorWork], Traffic]] = {
  Kind.CONV_2D: _conv,
  Kind.DEPTHWISE_CONV_2D: _depthwise,
  Kind.FULLY_CONNECTED: _fully_connected,
  Kind.BOTTLENECK: _bottleneck,
}
