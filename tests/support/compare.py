# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares a model with its conversion in the real TFLM interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model
from tflm_patch.arena import firmware_build, predict
from tflm_patch.conversion import kept_input
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import ArenaUsage, Interpreter
from tflm_patch.runtime.verify import io_adapter

# How far the predicted tail may be from what TFLM reports, in bytes.
TAIL_TOLERANCE = 64


def check_conversion(
  data: bytes, options: ConvertOptions, inputs: int, seed: int = 0
) -> ConversionResult:
  """Converts a model and checks outputs, arena prediction and arena gain.

  Args:
    data: A .tflite file.
    options: Of the conversion.
    inputs: On how many inputs the outputs are compared.
    seed: Of the random inputs.

  Returns:
    The conversion.
  """
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  result = convert_model(data, options)
  original = Interpreter(data)
  stock = original.arena_usage()
  check_prediction(result.original_arena_host, stock)
  if not result.changed:
    assert result.data == data
    assert result.reason
    return result
  converted = Interpreter(result.data)
  usage = converted.arena_usage()
  check_prediction(result.converted_arena_host, usage)
  if not options.force_stage:
    assert_no_worse(result, options)
  adapter = io_adapter(result.original, result.model)
  source = result.original if adapter is None else result.model
  for arrays in sample_inputs(source, inputs, seed):
    wanted = original.invoke(arrays if adapter is None else adapter.original_inputs(arrays))
    made = converted.invoke(arrays)
    if adapter is not None:
      made = adapter.original_outputs(made)
    assert_same_bytes(wanted, made)
  return result


def assert_no_worse(result: ConversionResult, options: ConvertOptions) -> None:
  """The target's arena is no larger than that of the original, with its input kept if asked."""
  stock = result.original
  if options.keep_input:
    stock = kept_input.keep(stock)
  build = firmware_build(options.pointer_bytes)
  assert result.converted_arena == predict(result.model, build=build)
  assert result.converted_arena.total <= predict(stock, build=build).total


def assert_same_bytes(wanted: list[np.ndarray], made: list[np.ndarray]) -> None:
  assert len(wanted) == len(made)
  for number, (a, b) in enumerate(zip(wanted, made)):
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if a.tobytes() != b.tobytes():
      at = int(np.flatnonzero(a.reshape(-1) != b.reshape(-1))[0])
      raise AssertionError(
        f'output {number} differs in {int((a != b).sum())} of {a.size} values, first at {at}: '
        f'{a.reshape(-1)[at]} in the original, {b.reshape(-1)[at]} in the converted model'
      )


def check_prediction(predicted, measured: ArenaUsage) -> None:
  """The head agrees to the byte, the tail within TAIL_TOLERANCE."""
  assert predicted.head == measured.head
  assert abs(predicted.tail - measured.tail) <= TAIL_TOLERANCE
