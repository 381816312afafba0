# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Frames for models that take their input in bands of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from tflm_patch.errors import TflmPatchError

ABORT = 15  # kTfLiteAbort: the stage wants the next band before it has outputs


class BandInterpreter(Protocol):
  """What is needed of an interpreter: that of the tflite-micro package has it."""

  def set_input(self, input_data: np.ndarray, index: int) -> Any: ...

  def invoke(self) -> int: ...

  def get_input_details(self, index: int) -> dict[str, Any]: ...

  def get_output(self, index: int) -> np.ndarray: ...


def bands_of(frame: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
  """Cuts a frame [1, H, W, C] into bands of a model's input shape [1, N, W, C].

  Raises:
    TflmPatchError: the bands do not make up the frame.
  """
  same = frame.ndim == len(shape) >= 2 and (frame.shape[0], *frame.shape[2:]) == (
    shape[0],
    *shape[2:],
  )
  if not same or not shape[1] or frame.shape[1] % shape[1]:
    raise TflmPatchError(
      f'a frame {list(frame.shape)} does not consist of bands {list(shape)}; '
      'give the whole frame, [1, height, width, channels]'
    )
  for row in range(0, frame.shape[1], shape[1]):
    yield frame[:, row : row + shape[1]]


def run_rows(interpreter: BandInterpreter, frame: np.ndarray, outputs: int = 1) -> list[np.ndarray]:
  """Runs a model converted with `--input-rows` on a whole frame, band by band.

  Args:
    interpreter: Of the tflite-micro package, with the model.
    frame: [1, height, width, channels], of the model's input type.
    outputs: How many outputs to return.

  Returns:
    The outputs after the last band.

  Raises:
    TflmPatchError: the frame does not consist of bands, or the model ends a
      frame earlier or later than this one.
  """
  shape = tuple(int(size) for size in interpreter.get_input_details(0)['shape'])
  bands = list(bands_of(frame, shape))
  for number, band in enumerate(bands, 1):
    interpreter.set_input(np.ascontiguousarray(band), 0)
    done = interpreter.invoke() != ABORT
    if done != (number == len(bands)):
      what = f'was complete after {number} bands' if done else f'needs more than {number} bands'
      raise TflmPatchError(
        f"the model's frame {what}, {len(bands)} were given: give frames of the height that "
        'it was converted for, and reset() it after a frame that was given up'
      )
  return [interpreter.get_output(i) for i in range(outputs)]
