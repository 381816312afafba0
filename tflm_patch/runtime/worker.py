# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The process that runs a model on behalf of `tflm_patch.runtime.isolated`.

It answers requests, one at a time: a request is (name, arguments), an answer is
(whether it went well, result or the class and text of the error).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.runtime.tflm import ArenaUsage, Interpreter, InterpreterError, TensorSpec

_M_PERTURB = -6  # of glibc's malloc.h


class _Worker:
  """One model at a time in this process."""

  def __init__(self) -> None:
    self._model = b''
    self._interpreter: Interpreter | None = None

  def load(
    self, model: bytes, arena_bytes: int | None, fill: int | None = None, apart: bool = False
  ) -> tuple[list[TensorSpec], list[TensorSpec]]:
    self._model = model
    if fill is not None:
      _fill_new_memory(fill)
    self._interpreter = Interpreter(model, arena_bytes, apart)
    return self._interpreter.inputs, self._interpreter.outputs

  def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    return self._loaded().invoke(inputs)

  def outputs_of(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    return self._loaded().outputs_of(inputs)

  def reset(self) -> None:
    self._loaded().reset()

  def arena_usage(self) -> ArenaUsage:
    return self._loaded().arena_usage()

  def has_room_in(self, fast_bytes: int) -> bool:
    """Whether the loaded model can be prepared with so much fast memory."""
    try:
      Interpreter(self._model, fast_bytes=fast_bytes)
    except InterpreterError:
      return False
    return True

  def runs_in(self, arena_bytes: int) -> bool:
    """Whether the loaded model runs in an arena of that size."""
    try:
      interpreter = Interpreter(self._model, arena_bytes)
      interpreter.advance([np.zeros(spec.shape, spec.dtype) for spec in interpreter.inputs])
    except InterpreterError:
      return False
    return True

  def _loaded(self) -> Interpreter:
    if self._interpreter is None:
      raise InterpreterError('no model is loaded')
    return self._interpreter

  @property
  def requests(self) -> dict[str, Callable[..., Any]]:
    return {
      'load': self.load,
      'invoke': self.invoke,
      'outputs_of': self.outputs_of,
      'reset': self.reset,
      'arena_usage': self.arena_usage,
      'runs_in': self.runs_in,
      'has_room_in': self.has_room_in,
    }


def _fill_new_memory(value: int) -> None:
  """Makes malloc fill what it hands out with a byte: the arena, before TFLM has it."""
  mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
  if mallopt is None:
    raise InterpreterError('this C library cannot fill the arena')
  # It fills with the complement.
  mallopt(_M_PERTURB, ~value & 0xFF)


def serve(handle: int) -> None:
  """Answers requests until the other end of the connection closes."""
  requests = _Worker().requests
  with Connection(handle) as connection:
    while True:
      try:
        name, arguments = connection.recv()
      except EOFError:
        sys.exit(0)
      try:
        answer = True, requests[name](*arguments)
      except TflmPatchError as error:
        answer = False, (type(error), str(error))
      except MemoryError:
        answer = False, (InterpreterError, 'not enough memory to run the model')
      connection.send(answer)
