# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a conversion may do."""

from __future__ import annotations

import dataclasses

from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.planner.options import DEFAULT, PlanOptions


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
  """What a conversion may do.

  Attributes:
    int8_io: Fold QUANTIZE and DEQUANTIZE at the model's boundary into its inputs
      and outputs, which become int8.
    plugins: Names of plugins to use, or '-name' to leave some out; empty for all.
    keep_input: The application reads its input again after `Invoke()`; stages
      leave its bytes alone.
    force_stage: Make stages even where the arena does not get smaller.
    input_rows: The model takes its input in bands of this many rows, one for each
      `Invoke()`; see docs/firmware.md.
    hop: The model's input is a window that goes on by this many rows with each `Invoke()`,
      and takes only those; see docs/sequences.md.
    hop_level: How little of the rows that stay the same is kept, and computed again, from 0
      on; None: as much is kept as fits.
    inner_states: States that are inputs and outputs of the model are kept by stages: the model
      loses those inputs and outputs; see docs/sequences.md.
    offline_plan: Tell TFLM where tensors lie, where its own memory planner leaves gaps.
    plan: Budget and objective of the stages' plans.
    flash_bytes: The converted file must not be larger; None for no limit.
    pointer_bytes: Of the target, 4 or 8: every limit and decision is for its arena.
    cpu: A core that there is a cost table for, whose predicted instructions decide which
      plan is the fastest.
  """

  int8_io: bool = False
  plugins: tuple[str, ...] = ()
  keep_input: bool = False
  force_stage: bool = False
  input_rows: int | None = None
  hop: int | None = None
  hop_level: int | None = None
  inner_states: bool = False
  offline_plan: bool = True
  plan: PlanOptions = DEFAULT
  flash_bytes: int | None = None
  pointer_bytes: int = 4
  cpu: str = DEFAULT_CPU


DEFAULT_OPTIONS = ConvertOptions()
