# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Exact prediction of what TFLM's allocator reports for a model."""

from tflm_patch.arena.predict import (
  ArenaPrediction,
  PlannedBuffer,
  buffers_during,
  memory_over_time,
  peak_operators,
  predict,
)
from tflm_patch.arena.structs import (
  FIRMWARE_32,
  FIRMWARE_32_INT_ENUMS,
  FIRMWARE_64,
  WHEEL_2026_09,
  WHEEL_2026_10,
  Build,
  firmware_build,
  wheel_build,
)
from tflm_patch.arena.tail import resource_variables, stage_operator_bytes, variable_name

__all__ = [
  'FIRMWARE_32',
  'FIRMWARE_32_INT_ENUMS',
  'FIRMWARE_64',
  'WHEEL_2026_09',
  'WHEEL_2026_10',
  'ArenaPrediction',
  'Build',
  'PlannedBuffer',
  'buffers_during',
  'firmware_build',
  'memory_over_time',
  'peak_operators',
  'predict',
  'resource_variables',
  'stage_operator_bytes',
  'variable_name',
  'wheel_build',
]
