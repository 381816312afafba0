# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How a chip trains, beside what it trains."""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.errors import TflmPatchError

_MAX_SAMPLES = 1 << 16


def _conversion() -> ConvertOptions:
  return ConvertOptions(int8_io=True, force_stage=True)


class Arithmetic(enum.Enum):
  """What gradients are computed in."""

  FLOAT32 = 'float32'
  INTEGER = 'integer'  # for chips without a floating-point unit, see `integers`


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
  """How a chip trains.

  Attributes:
    samples: Steps whose gradients are added up before parameters change; 1 needs no memory
      for the sums.
    quantization_aware: Scale gradients as quantization-aware scaling does (MCUNetV3, NeurIPS
      2022): the real weights move as with floats. Else the integers are trained as they are.
    seed: Of the stochastic rounding.
    input_rows: The application feeds its input in bands of this many rows.
    convert: For the frozen operators before the first that is trained.
    arithmetic: Of gradients.
    memory: Bytes that a training step should take: clamp masks of wide maps are computed again
      where it would take more; None keeps all of them, which is faster.

  Raises:
    TflmPatchError: samples or the seed are out of range.
  """

  samples: int = 1
  quantization_aware: bool = True
  seed: int = 1
  input_rows: int | None = None
  convert: ConvertOptions = dataclasses.field(default_factory=_conversion)
  arithmetic: Arithmetic = Arithmetic.FLOAT32
  memory: int | None = None

  def __post_init__(self) -> None:
    if not 1 <= self.samples <= _MAX_SAMPLES:
      raise TflmPatchError(
        f'gradients of {self.samples} samples cannot be added up; give 1 to {_MAX_SAMPLES:,}'
      )
    if not 0 <= self.seed < 1 << 32:
      raise TflmPatchError(f'the seed {self.seed} is not within 0 and 2^32 - 1')


DEFAULT_TRAINING = TrainingOptions()
