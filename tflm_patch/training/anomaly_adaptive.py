# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A threshold of an anomaly detector that follows the errors a device sees, in integers.

With q the quantile and t the threshold, an error above t raises it by t * q * step, another one
lowers it by t * (1 - q) * step. On average it rests where a part 1 - q of the errors is above: the
stochastic approximation of H. Robbins and S. Monro, "A Stochastic Approximation Method", Annals of
Mathematical Statistics 22 (1951), for a quantile. Steps do not shrink, as what is normal may
change, and are relative to the threshold, so that they suit any unit: A. Yazidi and H. L. Hammer,
"Multiplicative Update Methods for Incremental Quantile Estimation", IEEE Transactions on
Cybernetics 49 (2019).
"""

from __future__ import annotations

import dataclasses
import string

import numpy as np

from tflm_patch.errors import TflmPatchError

_RATE_BITS = 20
_START_BITS = 53
_MOST = (1 << 64) - 1
_STEP_SHIFTS = 4, 16
_RANGES = 1, 16

_TEXT = string.Template("""\
/* A threshold that follows the errors of the device: on average $percent % of them are at or below
 * it. An error above raises it, another one lowers it, by a small part of itself (Robbins-Monro
 * stochastic approximation of a quantile). It stays within 1 / ANOMALY_RANGE of the trained one and
 * ANOMALY_RANGE times it, so that errors above these remain anomalies, however long they last. */
#ifndef ANOMALY_STEP_SHIFT
#define ANOMALY_STEP_SHIFT $step_shift /* steps of 1 / 2^this; $least_shift to $most_shift */
#endif
#ifndef ANOMALY_RANGE
#define ANOMALY_RANGE $factor /* $least_range to $most_range */
#endif
#if ANOMALY_STEP_SHIFT < $least_shift || ANOMALY_STEP_SHIFT > $most_shift
#error "ANOMALY_STEP_SHIFT is $least_shift to $most_shift"
#endif
#if ANOMALY_RANGE < $least_range || ANOMALY_RANGE > $most_range
#error "ANOMALY_RANGE is $least_range to $most_range"
#endif
/* Bits behind the point of a state's threshold, and the trained one with these. */
#define ANOMALY_FRACTION_BITS $fraction_bits
#define ANOMALY_START UINT64_C($start)
#define ANOMALY_LOWEST (ANOMALY_START / ANOMALY_RANGE)
#define ANOMALY_HIGHEST \\
  (ANOMALY_START > UINT64_MAX / ANOMALY_RANGE ? UINT64_MAX : ANOMALY_START * ANOMALY_RANGE)

/* What the device has learned: zeros at first. Keep its bytes to go on after a restart; those of
 * another detector, or what is no state, begin at the trained threshold. */
typedef struct {
  uint64_t trained; /* ANOMALY_START of the detector that it belongs to */
  uint64_t threshold;
} AnomalyState;

/* Whether a window is an anomaly (1) or not (0), by its error; moves the threshold after that. */
static inline int anomaly_adapt(AnomalyState* state, uint64_t error) {
  if (state->trained != ANOMALY_START || state->threshold < ANOMALY_LOWEST ||
      state->threshold > ANOMALY_HIGHEST) {
    state->trained = ANOMALY_START;
    state->threshold = ANOMALY_START;
  }
  int above = error > state->threshold >> ANOMALY_FRACTION_BITS;
  uint64_t part = state->threshold >> (ANOMALY_STEP_SHIFT + $rate_bits);
  uint64_t room = above ? ANOMALY_HIGHEST - state->threshold : state->threshold - ANOMALY_LOWEST;
  uint64_t step = part * (above ? UINT32_C($above) : UINT32_C($below));
  if (step > room) step = room;
  state->threshold = above ? state->threshold + step : state->threshold - step;
  return above;
}
""")


@dataclasses.dataclass(frozen=True)
class AdaptiveThreshold:
  """The C of anomaly.h in Python: the same integers.

  Attributes:
    trained: The threshold that training chose; of 0, 1 is the one that is followed.
    quantile: Part of the errors that shall lie at or below the threshold.
    step_shift: Steps are 1 / 2^this of the threshold: 4 to 16.
    factor: The threshold stays within 1 / this and this times the trained one: 1 to 16.

  Raises:
    TflmPatchError: a value is out of range.
  """

  trained: int
  quantile: float
  step_shift: int = 8
  factor: int = 4

  def __post_init__(self) -> None:
    for name, value, (least, most) in (
      ('trained', self.trained, (0, _MOST)),
      ('step_shift', self.step_shift, _STEP_SHIFTS),
      ('factor', self.factor, _RANGES),
    ):
      if not least <= value <= most:
        raise TflmPatchError(f'{name} is {value}; it is {least} to {most}')
    if not 0 < self.quantile <= 1:
      raise TflmPatchError(f'quantile is {self.quantile:g}; it is above 0, and at most 1')

  @property
  def fraction_bits(self) -> int:
    """Behind the point of a threshold, as many as let the smallest steps matter."""
    return max(0, _START_BITS - max(self.trained, 1).bit_length())

  @property
  def start(self) -> int:
    """The trained threshold with its fraction bits, like all that follow."""
    return max(self.trained, 1) << self.fraction_bits

  @property
  def lowest(self) -> int:
    return self.start // self.factor

  @property
  def highest(self) -> int:
    return min(self.start * self.factor, _MOST)

  @property
  def rates(self) -> tuple[int, int]:
    """q and 1 - q of 2^20, neither 0 but for a quantile of 1, which never lowers."""
    whole = 1 << _RATE_BITS
    above = max(1, min(round(self.quantile * whole), whole - (self.quantile < 1)))
    return above, whole - above

  def after(self, threshold: int, error: int) -> int:
    """The threshold, with its fraction bits, that follows an error."""
    raises, lowers = self.rates
    part = threshold >> (self.step_shift + _RATE_BITS)
    if error > threshold >> self.fraction_bits:
      return min(threshold + part * raises, self.highest)
    return max(threshold - part * lowers, self.lowest)

  def follow(self, errors: np.ndarray, threshold: int | None = None) -> tuple[np.ndarray, int]:
    """What a device makes of errors, one after another.

    Args:
      errors: uint64[n], as the detector sums them.
      threshold: To go on from, with its fraction bits; the trained one if None.

    Returns:
      bool[n], which of them are anomalies, and the threshold after the last.
    """
    threshold = self.start if threshold is None else threshold
    alarms = []
    for error in errors.tolist():
      alarms.append(error > threshold >> self.fraction_bits)
      threshold = self.after(threshold, error)
    return np.array(alarms, bool), threshold

  def c_text(self) -> str:
    """The part of anomaly.h."""
    above, below = self.rates
    return _TEXT.substitute(
      percent=f'{100 * self.quantile:g}',
      step_shift=self.step_shift,
      least_shift=_STEP_SHIFTS[0],
      most_shift=_STEP_SHIFTS[1],
      factor=self.factor,
      least_range=_RANGES[0],
      most_range=_RANGES[1],
      fraction_bits=self.fraction_bits,
      start=self.start,
      rate_bits=_RATE_BITS,
      above=above,
      below=below,
    )
