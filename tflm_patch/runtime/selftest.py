# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A model of one tiny stage, to see whether the host library fits the interpreter.

The host library repeats structures that the interpreter has in memory; there is no
header to compile against. So the first use in a process runs a stage that needs
all of them: it is registered, prepared, given a scratch buffer, reads and writes.
"""

from __future__ import annotations

import dataclasses
import subprocess

import numpy as np

from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program import records as program
from tflm_patch.program.encode import Program, ProgramMap, ProgramOp, ProgramSegment, encode
from tflm_patch.program.params import LookupParams
from tflm_patch.runtime import tflm
from tflm_patch.runtime.process import python_command

SHAPE = (1, 4, 1, 16)
_BYTES = 64
# Two tables by an int8's bits; different values stay different.
_FIRST = (np.arange(256) ^ 0x55).astype(np.uint8)
_SECOND = ((np.arange(256) * 7 + 3) % 256).astype(np.uint8)
_TIMEOUT_SECONDS = 60


def stage() -> tuple[bytes, bytes]:
  """Program and constants of a stage: two lookups, with a map in the workspace between."""
  entry = program.MapEntry(
    row_bytes=SHAPE[2] * SHAPE[3],
    rows=SHAPE[1],
    ring_rows=SHAPE[1],
    split=SHAPE[1],
    cols=SHAPE[2],
    channels=SHAPE[3],
    type=program.TYPE_CODES[DType.INT8],
  )
  places = (
    (program.Region.TENSOR, program.NONE),
    (program.Region.WORKSPACE, 0),
    (program.Region.TENSOR + 1, 1),
  )
  encoded = encode(
    Program(
      n_inputs=1,
      n_outputs=1,
      maps=[
        ProgramMap(dataclasses.replace(entry, region=region, producer=producer))
        for region, producer in places
      ],
      ops=[
        ProgramOp(program.Kind.LOOKUP, [i], [i + 1], SHAPE[1], LookupParams(table))
        for i, table in enumerate((_FIRST, _SECOND))
      ],
      segments=[ProgramSegment(0, 2, [(0, 0, SHAPE[1]), (1, 0, SHAPE[1])])],
      workspace_bytes=_BYTES,
    )
  )
  return encoded.program, encoded.constants


def expected(values: np.ndarray) -> np.ndarray:
  """What the stage makes of int8 values."""
  return _SECOND[_FIRST[values.view(np.uint8)]].view(np.int8)


def model(encoded: bytes, constants: bytes) -> bytes:
  """A .tflite file whose only operator is the stage."""
  tensors = [
    Tensor('input', SHAPE, DType.INT8),
    Tensor('program', (len(encoded),), DType.UINT8, np.frombuffer(encoded, np.uint8)),
    Tensor('constants', (len(constants),), DType.UINT8, np.frombuffer(constants, np.uint8)),
    Tensor('output', SHAPE, DType.INT8),
  ]
  operator = Operator('CUSTOM', (0, 1, 2), (3,), custom_name=tflm.STAGE_OPERATOR)
  return serialize_model(Model([Subgraph(tensors, [operator], (0,), (3,))]))


def check() -> None:
  """Runs the stage in this process, before that in another when the wheel is unknown.

  Raises:
    EnvironmentMissing: the host library does not fit the installed wheel.
  """
  if tflm.wheel_version() not in tflm.TESTED_WHEELS:
    _check_elsewhere()
  run()


def run() -> None:
  """Runs the stage in this process; where structures differ, anything may happen."""
  values = np.arange(-_BYTES, _BYTES, 2, dtype=np.int8).reshape(SHAPE)
  try:
    outputs = tflm.Interpreter.with_unchecked_operator(model(*stage())).invoke([values])
  except tflm.InterpreterError as error:
    raise tflm.unfit_wheel(str(error)) from None
  if not np.array_equal(outputs[0], expected(values)):
    raise tflm.unfit_wheel('a test model gave wrong outputs')


def _check_elsewhere() -> None:
  try:
    result = subprocess.run(
      python_command('from tflm_patch.runtime import selftest\nselftest.run()\n'),
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      timeout=_TIMEOUT_SECONDS,
      check=False,
    )
  except subprocess.TimeoutExpired:
    raise tflm.unfit_wheel('a test model did not end') from None
  if result.returncode != 0:
    raise tflm.unfit_wheel('a test model failed')
