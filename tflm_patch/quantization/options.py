# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What quantization may be asked for."""

from __future__ import annotations

import dataclasses
import enum

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType


class Ranges(enum.Enum):
  """How the range of a tensor follows from its values on the samples."""

  MIN_MAX = 'min-max'
  MOVING_AVERAGE = 'moving-average'
  PERCENTILE = 'percentile'


class Backend(enum.Enum):
  """Who writes the int8 model."""

  OWN = 'own'
  TENSORFLOW = 'tensorflow'


class GeluBy(enum.Enum):
  """What becomes of GELU, which TFLM lacks."""

  REFUSE = 'refuse'
  SIGMOID = 'sigmoid'  # x * sigmoid(1.702 x), at most 0.021 off (arXiv 1606.08415)


IO_TYPES = {
  'int8': DType.INT8,
  'uint8': DType.UINT8,
  'int16': DType.INT16,
  'float32': DType.FLOAT32,
}
ACTIVATION_TYPES = {'int8': DType.INT8, 'int16': DType.INT16}


@dataclasses.dataclass(frozen=True)
class QuantizeOptions:
  """Options of `quantize`.

  Attributes:
    input_type, output_type: Of the model's inputs and outputs: 'int8', 'uint8' or
      'float32' ('int16' or 'float32' with int16 activations); '' for the activations' type.
    activations: 'int8', or 'int16' for 16x8 quantization.
    per_channel: Weights have a scale per output channel.
    ranges: How ranges follow from the samples; those of the model's inputs are always
      minimum and maximum.
    percentile: With `Ranges.PERCENTILE`: the share of values, in per cent, that are not
      above the range, and not below it.
    momentum: With `Ranges.MOVING_AVERAGE`: what a batch leaves of the average before it.
    gelu: What becomes of GELU.
    backend: Our own writer, or TensorFlow's converter.
  """

  input_type: str = ''
  output_type: str = ''
  activations: str = 'int8'
  per_channel: bool = True
  ranges: Ranges = Ranges.MIN_MAX
  percentile: float = 99.99
  momentum: float = 0.9
  gelu: GeluBy = GeluBy.REFUSE
  backend: Backend = Backend.OWN

  def __post_init__(self) -> None:
    if self.activations not in ACTIVATION_TYPES:
      raise TflmPatchError(f'activations "{self.activations}" are not known; use int8 or int16')
    known = ('float32', 'int16') if self.activations == 'int16' else ('int8', 'uint8', 'float32')
    for what, name in (('input', self.input_type), ('output', self.output_type)):
      if name and name not in known:
        raise TflmPatchError(
          f'{what} type "{name}" does not go with {self.activations} activations; '
          f'use {" or ".join(known)}'
        )
    if not 50 < self.percentile <= 100:
      raise TflmPatchError(f'percentile {self.percentile:g} is not above 50 and at most 100')
    if not 0 <= self.momentum < 1:
      raise TflmPatchError(f'momentum {self.momentum:g} is not at least 0 and below 1')

  @property
  def dtype(self) -> DType:
    """Of the activations."""
    return ACTIVATION_TYPES[self.activations]

  @property
  def io_types(self) -> tuple[DType, DType]:
    """Of inputs and outputs."""
    return (
      IO_TYPES[self.input_type or self.activations],
      IO_TYPES[self.output_type or self.activations],
    )


DEFAULT = QuantizeOptions()
