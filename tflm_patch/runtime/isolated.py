# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFLM interpreter in a process of its own.

TFLM trusts its models: a damaged one, or an arena that is far too small, ends
in a segmentation fault. In a process of its own that is an error like others.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from typing import IO, Any

import numpy as np

from tflm_patch.runtime.process import python_command
from tflm_patch.runtime.tflm import ArenaUsage, InterpreterError, TensorSpec, require_wheel

# Longer than the largest model for a microcontroller takes, on a slow machine.
DEFAULT_TIMEOUT_SECONDS = 600.0

_WORKER = 'import sys\nfrom tflm_patch.runtime import worker\nworker.serve(int(sys.argv[1]))\n'


class IsolatedInterpreter:
  """Like `tflm.Interpreter`, for models that may crash TFLM.

  A context manager; `close` ends the process.

  Args:
    model: A .tflite file's bytes.
    arena_bytes: Size of the tensor arena.
    timeout: Seconds that one request may take.
    fill: A byte that all of the arena holds before the model is loaded; None for whatever
      the system hands out, mostly 0.
    apart: Every tensor has memory of its own.

  Raises:
    EnvironmentMissing: the wheel, or the host library for a converted model, is not installed.
    InterpreterError: TFLM does not accept the model, or crashed.

  Attributes:
    inputs, outputs: Types and shapes of the model's inputs and outputs.
  """

  def __init__(
    self,
    model: bytes,
    arena_bytes: int | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    fill: int | None = None,
    apart: bool = False,
  ) -> None:
    self._timeout = timeout
    self._start()
    self.inputs: list[TensorSpec]
    self.outputs: list[TensorSpec]
    try:
      self._send('load', model, arena_bytes, fill, apart)
      self.inputs, self.outputs = self._receive('loading the model')
    except BaseException:
      self.close()
      raise

  def __enter__(self) -> IsolatedInterpreter:
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """As `tflm.Interpreter.invoke`."""
    self.begin(inputs)
    return self.end()

  def begin(self, inputs: Sequence[np.ndarray]) -> None:
    """Starts an invocation; `end` gives its outputs."""
    self._send('invoke', [np.asarray(array) for array in inputs])

  def end(self) -> list[np.ndarray]:
    """Waits for the invocation that `begin` started."""
    return list(self._receive('running the model'))

  def outputs_of(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """As `tflm.Interpreter.outputs_of`."""
    self._send('outputs_of', [np.asarray(array) for array in inputs])
    made: list[np.ndarray] | None = self._receive('running the model')
    return made

  def reset(self) -> None:
    """As `tflm.Interpreter.reset`."""
    self._send('reset')
    self._receive('resetting the model')

  def arena_usage(self) -> ArenaUsage:
    """As `tflm.Interpreter.arena_usage`."""
    self._send('arena_usage')
    usage = self._receive('reading the arena usage')
    assert isinstance(usage, ArenaUsage)
    return usage

  def runs_in(self, arena_bytes: int) -> bool:
    """Whether the model runs once in an arena of that size.

    A crash ends the process; the answer is then False and later requests raise.
    """
    self._send('runs_in', arena_bytes)
    return bool(self._receive(f'trying an arena of {arena_bytes} bytes'))

  def has_room_in(self, fast_bytes: int) -> bool:
    """Whether the model can be prepared with so many bytes of fast memory."""
    self._send('has_room_in', fast_bytes)
    return bool(self._receive(f'trying {fast_bytes} bytes of fast memory'))

  def close(self) -> None:
    """Ends the process; may be called more than once."""
    self._finalizer()

  def _start(self) -> None:
    require_wheel()
    here, there = Pipe()
    self._printed = tempfile.TemporaryFile()  # noqa: SIM115, closed by _end
    self._process = subprocess.Popen(
      python_command(_WORKER, str(there.fileno())),
      stdin=subprocess.DEVNULL,
      stdout=subprocess.DEVNULL,
      stderr=self._printed,
      pass_fds=[there.fileno()],
    )
    there.close()
    self._connection = here
    self._finalizer = weakref.finalize(self, _end, self._process, here, self._printed)

  def _send(self, request: str, *arguments: Any) -> None:
    # When the process is gone, the answer that never comes says how.
    with contextlib.suppress(OSError):
      self._connection.send((request, arguments))

  def _receive(self, doing: str) -> Any:
    try:
      if not self._connection.poll(self._timeout):
        self.close()
        raise InterpreterError(f'TFLM did not finish {doing} within {self._timeout:g} seconds')
      good, result = self._connection.recv()
    except (EOFError, OSError):
      raise InterpreterError(self._obituary(doing)) from None
    if not good:
      kind, text = result
      raise kind(text)
    return result

  def _obituary(self, doing: str) -> str:
    if self._printed.closed:
      return 'the interpreter is closed'
    code = self._process.wait()
    if code < 0:
      with contextlib.suppress(ValueError):
        return f'TFLM crashed ({signal.Signals(-code).name}) while {doing}'
    self._printed.seek(0)
    lines = self._printed.read().decode(errors='replace').split('\n')
    last = next((line.strip() for line in reversed(lines) if line.strip()), f'exit code {code}')
    return f'the TFLM process ended while {doing}: {last}'


def _end(process: subprocess.Popen[bytes], connection: Connection, printed: IO[bytes]) -> None:
  connection.close()
  process.kill()
  process.wait()
  printed.close()
