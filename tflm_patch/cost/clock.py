# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles and milliseconds of what is predicted: estimates, never measurements.

Cycles are modelled where a core's timings are published. For the others a number of cycles
per instruction is assumed, with memory that does not wait: a Cortex-M7 issues up to two
instructions a cycle; a vector instruction of a Cortex-M55 takes two beats of a cycle each.
"""

from __future__ import annotations

from tflm_patch.cost import CostPrediction

# M4 and M33: where no trace can be taken; the mean of MLPerf Tiny's models.
CYCLES_PER_INSTRUCTION = {
  'cortex-m4': 1.55,
  'cortex-m7': 0.8,
  'cortex-m33': 1.55,
  'cortex-m55': 1.4,
  'riscv32': 1.3,
}


def cycles_of(prediction: CostPrediction, cpu: str) -> int:
  """Predicted cycles; instructions times what is assumed for a core without timings."""
  if prediction.cycles is not None:
    return prediction.cycles
  return round(prediction.instructions * CYCLES_PER_INSTRUCTION[cpu])


def milliseconds(cycles: float, clock_hz: int) -> float:
  """How long cycles take."""
  return 1e3 * cycles / clock_hz
