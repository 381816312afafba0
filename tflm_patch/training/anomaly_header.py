# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The C header of an anomaly detector: its thresholds, and the few lines that need them."""

from __future__ import annotations

import string

from tflm_patch.codegen import c_text
from tflm_patch.graph.types import Quantization
from tflm_patch.training.anomaly import Detector
from tflm_patch.training.anomaly_adaptive import AdaptiveThreshold
from tflm_patch.training.data.dataset import Scaling

_TEXT = string.Template("""\
/* Anomaly detector, written by tflm-patch train for its model.tflite and model_patch.tflite.
 *
 * Every step of a series has ANOMALY_CHANNELS numbers, a window ANOMALY_STEPS of them. Behind an
 * inference the window is an anomaly if
 *   anomaly_error(input, output) > ANOMALY_THRESHOLD
 * whose sums are exact on any core. A model made by `convert --hop N` takes N new steps: keep the
 * window beside it with anomaly_push(), as its input holds the new steps alone.
 */
#ifndef ANOMALY_H_
#define ANOMALY_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ANOMALY_STEPS $steps
#define ANOMALY_CHANNELS $channels
#define ANOMALY_VALUES $values
/* $quantile % of $chosen_by held-out normal windows are at or below it. */
#define ANOMALY_THRESHOLD UINT64_C($threshold)
/* Mean squared error, of standardized numbers, of a sum of 1. */
#define ANOMALY_UNIT $unit

/* The model's input of a number of a channel: standardized and quantized. */
static inline int8_t anomaly_input(float value, int channel) {
  static const float offset[ANOMALY_CHANNELS] = {$offset};
  static const float scale[ANOMALY_CHANNELS] = {$scale};
  float step = rintf((value - offset[channel]) / scale[channel] / $input_scale) + $input_zero;
  return (int8_t)(step < -128.0f ? -128.0f : step > 127.0f ? 127.0f : step);
}

/* Moves a window of int8 numbers on by new steps of them. */
static inline void anomaly_push(int8_t* window, const int8_t* rows, int steps) {
  int kept = ANOMALY_VALUES - steps * ANOMALY_CHANNELS;
  memmove(window, window + steps * ANOMALY_CHANNELS, (size_t)kept);
  memcpy(window + kept, rows, (size_t)(steps * ANOMALY_CHANNELS));
}

/* Sum of squares of what a window and its reconstruction, as the model gives it, differ by. */
static inline uint64_t anomaly_error(const int8_t* window, const int8_t* output) {
  uint64_t sum = 0;
  for (int i = 0; i < ANOMALY_VALUES; ++i) {
    int32_t difference = (window[i] - ($x0)) * $mx - (output[i] - ($y0)) * $my;
    sum += (uint64_t)((int64_t)difference * difference);
  }
  return sum;
}

$adaptive
#endif /* ANOMALY_H_ */
""")


def header(
  detector: Detector, scaling: Scaling, shape: tuple[int, ...], inputs: Quantization, chosen_by: int
) -> str:
  """The text of the file.

  Args:
    detector: With its threshold.
    scaling: What numbers are standardized by, of every channel.
    shape: (steps, 1, channels) of a window.
    inputs: Quantization of the model's input.
    chosen_by: How many normal examples the threshold was chosen by.
  """
  error = detector.error
  return _TEXT.substitute(
    steps=error.values // shape[-1],
    channels=shape[-1],
    values=error.values,
    quantile=f'{100 * detector.quantile:g}',
    chosen_by=f'{chosen_by:,}',
    threshold=detector.threshold,
    unit=c_text.number(float(error.unit)),
    offset=', '.join(c_text.number(float(each)) for each in scaling.offset),
    scale=', '.join(c_text.number(float(each)) for each in scaling.scale),
    input_scale=c_text.number(float(inputs.scale)),
    input_zero=c_text.number(float(inputs.zero_point)),
    x0=error.input_zero_point,
    mx=error.input_factor,
    y0=error.output_zero_point,
    my=error.output_factor,
    adaptive=AdaptiveThreshold(detector.threshold, detector.quantile).c_text(),
  )
