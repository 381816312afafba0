# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The real TFLM interpreter, with the stage operator.

A damaged model can crash TFLM itself, and with it the process: models from
elsewhere go through `tflm_patch.runtime.isolated`.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.runtime import capture, paths, rows

STAGE_OPERATOR = 'TflmPatchStage'
# The versions that the host library is tested with, in both ages of TFLM's names.
WHEEL = '0.dev20261023182759'
TESTED_WHEELS = (WHEEL, '0.dev20260925222358')

# Far above any microcontroller's; memory that TFLM does not touch costs nothing.
DEFAULT_ARENA_BYTES = 256 << 20

# The same of fast memory, for models that are converted for two memories.
DEFAULT_FAST_BYTES = 16 << 20
_FAST_ALIGNMENT = 16
# Bytes behind the fast memory, and what they hold: nobody may write there.
_GUARD_BYTES = 64
_GUARD = 0xA5

_REGISTERER = 'TflmPatchRegister'
_USAGE_LINE = re.compile(r'Arena allocation (total|head|tail) (\d+) bytes')


class InterpreterError(TflmPatchError):
  """TFLM rejected a model or an input; one line, with what TFLM printed."""


@dataclasses.dataclass(frozen=True)
class ArenaUsage:
  """Bytes of the tensor arena that TFLM uses, as its allocator reports them.

  Attributes:
    total: The sum.
    head: Non-persistent: activations and scratch buffers, at their peak.
    tail: Persistent. Pointers are 8 bytes here: on a 32-bit target it is smaller.
  """

  total: int
  head: int
  tail: int


@dataclasses.dataclass(frozen=True)
class TensorSpec:
  """Type and shape of an input or output."""

  dtype: np.dtype
  shape: tuple[int, ...]

  def __str__(self) -> str:
    return f'{self.dtype.name} {list(self.shape)}'


def wheel_version() -> str:
  """Version of the installed tflite-micro package.

  Raises:
    EnvironmentMissing: there is none.
  """
  try:
    return importlib.metadata.version('tflite-micro')
  except importlib.metadata.PackageNotFoundError:
    raise _missing_wheel('the package tflite-micro is not installed') from None


def require_wheel() -> None:
  """Raises EnvironmentMissing when the interpreter is not installed; does not load it."""
  if importlib.util.find_spec('tflite_micro') is None:
    raise _missing_wheel('the package tflite-micro is not installed')


def _missing_wheel(reason: str) -> EnvironmentMissing:
  return EnvironmentMissing(
    f'the TFLM interpreter is not available ({reason}): it runs on Linux x86-64 with CPython '
    f'3.10 to 3.13; pip install "tflite-micro=={WHEEL}"'
  )


@functools.cache
def _wheel() -> Any:
  """The interpreter's Python module."""
  try:
    from tflite_micro.python.tflite_micro import runtime
  except ImportError as error:
    raise _missing_wheel(str(error)) from None
  return runtime


@functools.cache
def _attach_host_library() -> ctypes.CDLL:
  """Loads the stage operator for the interpreter to find.

  Raises:
    EnvironmentMissing: the library is absent or does not fit the wheel.
  """
  module = _wheel()._runtime.__file__
  path = paths.host_library()
  try:
    # Global, because the interpreter looks the registering function up by name.
    library = ctypes.CDLL(os.fspath(path), mode=ctypes.RTLD_GLOBAL)
  except OSError as error:
    raise EnvironmentMissing(f'{error}: reinstall tflm-patch') from None
  library.tflm_patch_host_attach.argtypes = [ctypes.c_char_p]
  library.tflm_patch_host_attach.restype = ctypes.c_char_p
  missing = library.tflm_patch_host_attach(os.fsencode(module))
  if missing is not None:
    raise unfit_wheel(f'no {missing.decode()}')
  library.tflm_patch_host_set_fast_memory.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
  library.tflm_patch_host_set_fast_memory.restype = None
  return library


class _FastMemory:
  """Memory beside the arena, as firmware hands it over.

  Args:
    size: In bytes.
  """

  def __init__(self, size: int) -> None:
    self._size = size
    self._memory = np.zeros(size + _FAST_ALIGNMENT + _GUARD_BYTES, np.uint8)
    self._at = -self._memory.ctypes.data % _FAST_ALIGNMENT
    self._guard = self._memory[self._at + size :]
    self._guard[:] = _GUARD

  def hand_over(self) -> None:
    """Makes it what stages use from now on."""
    library = _attach_host_library()
    library.tflm_patch_host_set_fast_memory(self._memory.ctypes.data + self._at, self._size)

  def check(self) -> None:
    """Raises InterpreterError when bytes behind it were written."""
    if np.any(self._guard != _GUARD):
      raise InterpreterError('a stage wrote beyond the fast memory that it was given')


def unfit_wheel(reason: str) -> EnvironmentMissing:
  """The error for a wheel whose insides the host library does not fit."""
  return EnvironmentMissing(
    f'the installed tflite-micro {wheel_version()} cannot run converted models ({reason}): '
    f'pip install "tflite-micro=={WHEEL}"'
  )


@functools.cache
def enable_stage_operator() -> None:
  """Makes converted models run in this process; done once.

  Raises:
    EnvironmentMissing: the wheel or the host library is absent, or they do not fit.
  """
  from tflm_patch.runtime import selftest

  _wheel()
  _attach_host_library()
  selftest.check()


class Interpreter:
  """A model in the TFLM interpreter of the tflite-micro wheel.

  Args:
    model: A .tflite file's bytes; kept alive by the interpreter.
    arena_bytes: Size of the tensor arena.
    apart: Every tensor has memory of its own, as long as the interpreter runs.
    fast_bytes: Size of the memory beside the arena that stages may use.

  Raises:
    EnvironmentMissing: the wheel, or the host library for a converted model, is not installed.
    InterpreterError: TFLM does not accept the model or the arena is too small.
  """

  def __init__(
    self,
    model: bytes,
    arena_bytes: int | None = None,
    apart: bool = False,
    fast_bytes: int | None = None,
  ) -> None:
    if STAGE_OPERATOR.encode() in model:
      enable_stage_operator()
      self._fast = _FastMemory(DEFAULT_FAST_BYTES if fast_bytes is None else fast_bytes)
    self._load(model, arena_bytes, apart)

  @classmethod
  def with_unchecked_operator(cls, model: bytes) -> Interpreter:
    """An interpreter for the self-test that guards all others."""
    _attach_host_library()
    self = cls.__new__(cls)
    self._load(model, None)
    return self

  _fast: _FastMemory | None = None

  def _load(self, model: bytes, arena_bytes: int | None, apart: bool = False) -> None:
    self._hand_over_fast_memory()
    runtime = _wheel()
    configs = runtime.InterpreterConfig
    registerers = [_REGISTERER] if STAGE_OPERATOR.encode() in model else []
    with _tflm_errors('TFLM cannot load the model'):
      subgraph = runtime.schema_fb.Model.GetRootAsModel(model, 0).Subgraphs(0)
      counts = subgraph.InputsLength(), subgraph.OutputsLength()
      self._interpreter = runtime.Interpreter.from_bytes(
        model,
        custom_op_registerers=registerers,
        arena_size=DEFAULT_ARENA_BYTES if arena_bytes is None else arena_bytes,
        # The misspelling is the wheel's.
        intrepreter_config=(configs.kPreserveAllTensors if apart else configs.kAllocationRecording),
      )
      self.inputs = [_spec(self._interpreter.get_input_details(i)) for i in range(counts[0])]
      self.outputs = [_spec(self._interpreter.get_output_details(i)) for i in range(counts[1])]

  def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Runs the model once.

    Args:
      inputs: One array per input of the model, of its type and shape; a whole frame
        for a model that takes bands of rows.

    Returns:
      One array per output.

    Raises:
      InterpreterError: an input does not fit, or TFLM fails.
    """
    if len(inputs) != len(self.inputs):
      raise InterpreterError(f'the model has {len(self.inputs)} inputs, {len(inputs)} were given')
    if len(inputs) == 1 and self._takes_bands_of(inputs[0]):
      self._hand_over_fast_memory()
      with _tflm_errors('TFLM failed to run the model'):
        return rows.run_rows(self._interpreter, inputs[0], len(self.outputs))
    if self.advance(inputs):
      raise InterpreterError('the model takes its input in bands of rows; give it whole frames')
    return [self._interpreter.get_output(index) for index in range(len(self.outputs))]

  def advance(self, inputs: Sequence[np.ndarray]) -> bool:
    """Runs the model on inputs of its own shapes; whether it wants more before it has outputs."""
    for index, (array, spec) in enumerate(zip(inputs, self.inputs)):
      given = TensorSpec(array.dtype, array.shape)
      if given != spec:
        raise InterpreterError(f'input {index} of the model is {spec}, {given} was given')
    self._hand_over_fast_memory()
    with _tflm_errors('TFLM failed to run the model'):
      for index, array in enumerate(inputs):
        self._interpreter.set_input(array, index)
      status = self._interpreter.invoke()
    if self._fast is not None:
      self._fast.check()
    return bool(status == rows.ABORT)

  def outputs_of(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """The outputs for inputs of the model's own shapes, None while it wants more."""
    if self.advance(inputs):
      return None
    return [self._interpreter.get_output(index) for index in range(len(self.outputs))]

  def _hand_over_fast_memory(self) -> None:
    if self._fast is not None:  # another interpreter may have handed over its own
      self._fast.hand_over()

  def reset(self) -> None:
    """Makes the next input the first one: of a frame, of a sequence."""
    self._interpreter.reset()

  def _takes_bands_of(self, frame: np.ndarray) -> bool:
    spec = self.inputs[0]
    return (
      frame.dtype == spec.dtype
      and frame.ndim == len(spec.shape) >= 2
      and (frame.shape[0], *frame.shape[2:]) == (spec.shape[0], *spec.shape[2:])
      and frame.shape[1] > spec.shape[1]
    )

  def arena_usage(self) -> ArenaUsage:
    """What TFLM's recording allocator says it uses."""
    with capture.stderr() as printed:
      self._interpreter.print_allocations()
    sizes = {name: int(size) for name, size in _USAGE_LINE.findall(printed.text)}
    if set(sizes) != {'total', 'head', 'tail'}:
      raise unfit_wheel('it prints no arena sizes')
    return ArenaUsage(**sizes)


def _spec(details: dict[str, Any]) -> TensorSpec:
  return TensorSpec(np.dtype(details['dtype']), tuple(int(dim) for dim in details['shape']))


class _tflm_errors:  # noqa: N801, a context manager
  """Turns what the wheel raises, and TFLM prints, into one InterpreterError."""

  def __init__(self, what: str) -> None:
    self._what = what
    self._capture = capture.stderr()

  def __enter__(self) -> None:
    self._printed = self._capture.__enter__()

  def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
    self._capture.__exit__(None, None, None)
    # The wheel parses untrusted bytes with generated code that may raise anything.
    if isinstance(error, Exception):
      line = self._printed.line(otherwise=str(error) or type(error).__name__)
      raise InterpreterError(f'{self._what}: {line}') from None
