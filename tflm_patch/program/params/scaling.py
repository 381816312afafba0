# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parameters of what brings values to another scale or type, one by one."""

from __future__ import annotations

import dataclasses

from tflm_patch.program.fields import Array, array_of, constant, f32, i16, i32, structure, u16
from tflm_patch.program.params.base import Params


@structure('tflm_patch_rescale_params')
@dataclasses.dataclass(frozen=True, eq=False)
class RescaleParams(Params):
  """RESCALE of int16 maps: a multiplier and shift for values from 0 on, and one for those below.

  magnitude 1: of the latter their magnitude is taken first.
  """

  multiplier: tuple[int, int] = array_of('i', 2)
  shift: tuple[int, int] = array_of('b', 2)
  act_min: int = i16()
  act_max: int = i16()
  magnitude: int = u16()


@structure('tflm_patch_requantize_params')
@dataclasses.dataclass(frozen=True, eq=False)
class RequantizeParams(Params):
  """REQUANTIZE: a value less a zero point, scaled, from another zero point on."""

  multiplier: int = i32()
  shift: int = i32()
  input_zero_point: int = i32('0 of int32')
  output_zero_point: int = i32('likewise')


@structure('tflm_patch_quantize_params')
@dataclasses.dataclass(frozen=True, eq=False)
class QuantizeParams(Params):
  """QUANTIZE, DEQUANTIZE between float32 and 8 bits, or int16 with zero point 0."""

  scale: float = f32()
  zero_point: int = i32()


@structure('tflm_patch_lookup_params')
@dataclasses.dataclass(frozen=True, eq=False)
class LookupParams(Params):
  """LOOKUP, of 8-bit values."""

  table: Array | None = constant('table_at', 'u1', "uint8[256], indexed by the value's bits")
