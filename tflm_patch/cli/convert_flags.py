# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags of everything that plans a conversion."""

from __future__ import annotations

from absl import flags

from tflm_patch.api import ConvertOptions


def define(values: flags.FlagValues) -> None:
  """Defines them."""
  flags.DEFINE_bool(
      'int8_io', False,
      'fold QUANTIZE and DEQUANTIZE at the boundary: inputs and outputs become int8',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_list(
      'plugins', [],
      'rewrites to use, by name, or with - before each name to leave out (see docs/convert.md)',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'keep_input', False,
      'leave the model input\'s bytes alone, for applications that read it again after Invoke()',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_integer(
      'input_rows', None,
      'the model takes its input in bands of this many rows, one for each Invoke(); the frame '
      'is never stored',
      lower_bound=1, flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'offline_plan', True,
      'tell TFLM where tensors lie, where its own planner leaves gaps (--nooffline-plan: never)',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool('json', False, 'print a summary for machines', flag_values=values)


def options(values: flags.FlagValues) -> ConvertOptions:
  """The options that the flags say."""
  return ConvertOptions(
      int8_io=values.int8_io,
      plugins=tuple(values.plugins),
      keep_input=values.keep_input,
      input_rows=values.input_rows,
      offline_plan=values.offline_plan,
  )
