# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Gradients as integers, for chips without a floating-point unit: what all parts agree on.

A gradient is an integer m for every value and one exponent e for all: m * 2^e. The formulas are
those of `tflm_patch.on_device`; what differs:

Shifts and scales round halves up: x >> s is floor((x + 2^(s-1)) / 2^s), and a scale, which is
M * 2^(E-31) with M below 2^31 and E common to all channels, makes floor((x * M + 2^30) / 2^31) and
adds E to the exponent.

Loss: in floats. Its gradient becomes integers below 2^24, cut towards zero, by the exponent of the
largest.

Clamps: where the gradient passes it is scaled; then all are shifted (to the left, too), so that the
largest is below 2^bits and not below 2^(bits-1). `bits_of` tells how many leave room for sums of
products: these are exact and keep the exponent.

What another reader of a tensor has begun: both are shifted to the greater exponent and one more,
then added.

Inverted bottlenecks go backward four channels at a time; each such group has its own exponents
behind both clamps. What comes to the block's input has the greatest of all groups so far; when a
greater one comes, what is there is shifted; sums of the four products of a lower one are. What
another reader has begun is shifted by one before.

Means, pools: the parts of averages are quotients, halves away from zero.

Update: f = inverse[o] * (rate / samples), a float32 m * 2^x with m below 2^24; step = m * S >>
-(x + e + 20), at most 2^44 in magnitude, in 2^-20 of an integer. Steps, not gradients, are added up
over samples, as int32 that saturate. d = floor((u - step) / 2^20), u the upper 20 bits of mix32.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

MOST_BITS = 24
FREE_BITS = 30  # of what is only added and copied
_WORD = 31
_STEP_BITS = 20
_MOST_STEP = 1 << 44
_MOST_SHIFT = 31


@dataclasses.dataclass(frozen=True, eq=False)
class Gradient:
  """Of a tensor: int64 mantissas within int32, and their exponent."""

  mantissas: np.ndarray
  exponent: int


def bits_of(products: int = 0, values: int = 0, plain: int = 0) -> int:
  """Bits of mantissas whose sums stay within int32.

  Args:
    products: How many are multiplied by weights and added up.
    values: How many by inputs less their zero point.
    plain: How many are added up as they are.
  """
  limits = [MOST_BITS]
  for count, bits in ((products, 7), (values, 8), (plain, 0)):
    if count:
      limits.append(_WORD - bits - math.ceil(math.log2(count)))
  return max(1, min(limits))


def multipliers(scales: np.ndarray) -> tuple[np.ndarray, int]:
  """int32 multipliers of scales, and their exponent."""
  exact = np.asarray(scales, np.float64)
  exponent = int(np.frexp(exact.max())[1])
  found = np.rint(np.ldexp(exact, _WORD - exponent))
  return np.minimum(found, (1 << _WORD) - 1).astype(np.int32), exponent


def shifted(x: np.ndarray, shift: int) -> np.ndarray:
  """To the right, halves up; to the left where shift is negative."""
  if shift <= 0:
    return x << -shift
  if shift > _MOST_SHIFT:
    return np.zeros_like(x)
  return (x + (1 << (shift - 1))) >> shift


def scaled(x: np.ndarray, multiplier: np.ndarray | int) -> np.ndarray:
  """Times a multiplier / 2^31, halves up."""
  return (x * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31


def excess(x: np.ndarray, bits: int) -> int:
  """How far to the right values are shifted to be below 2^bits."""
  seen = int(np.bitwise_or.reduce(np.where(x < 0, ~x, x), axis=None)) if x.size else 0
  return seen.bit_length() - bits if seen else 0


def from_floats(x: np.ndarray) -> Gradient:
  """A gradient of float32 values."""
  most = np.float32(np.abs(x).max())
  found = (int(most.view(np.uint32)) >> 23 & 0xFF) - 127
  exponent = max(found, -100) - (MOST_BITS - 1)
  power = np.float32(2.0**-exponent)
  return Gradient(np.trunc(x.astype(np.float32) * power).astype(np.int64), exponent)


def joined(old: Gradient | None, sums: np.ndarray, exponent: int) -> Gradient:
  """Sums that come to what another reader has begun."""
  if old is None:
    return Gradient(sums, exponent)
  common = max(old.exponent, exponent) + 1
  both = shifted(old.mantissas, common - old.exponent) + shifted(sums, common - exponent)
  return Gradient(np.clip(both, -(1 << 31), (1 << 31) - 1), common)


def steps(gradients: np.ndarray, factors: np.ndarray, exponent: int) -> np.ndarray:
  """int64 steps in 2^-20 of an integer.

  Args:
    gradients: int64 [..., n].
    factors: float32, one of each, or one for all.
    exponent: Of the gradients.
  """
  bits = np.broadcast_to(np.asarray(factors, np.float32), gradients.shape).copy().view(np.uint32)
  field = (bits >> np.uint32(23)).astype(np.int64) & 0xFF
  usable = (field != 0) & (field != 0xFF)
  mantissa = np.where(usable, (bits.astype(np.int64) & 0x7FFFFF) | 0x800000, 0)
  shift = -(field - 127 - 23 + exponent + _STEP_BITS)
  product = gradients * mantissa
  half = np.where(shift > 0, np.int64(1) << np.clip(shift - 1, 0, 61), 0)
  right = np.where(shift > 62, 0, (product + half) >> np.clip(shift, 0, 62))
  reach = _MOST_STEP >> np.clip(-shift, 0, 62)
  left = np.clip(product, -reach, reach) << np.clip(-shift, 0, 40)
  beyond = (shift < -40) | (np.abs(product) > reach)
  left = np.where(beyond, np.sign(product) * _MOST_STEP, left)
  found = np.where(shift > 0, right, left)
  return np.clip(found, -_MOST_STEP, _MOST_STEP)


def changes(step: np.ndarray, random: np.ndarray) -> np.ndarray:
  """int64: steps rounded by chance, and turned round; 0 for none.

  Args:
    step: From `steps`, added up.
    random: uint32 of mix32.
  """
  chance = (random >> np.uint32(32 - _STEP_BITS)).astype(np.int64)
  return np.where(step == 0, 0, (chance - step) >> _STEP_BITS)
