# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stage operator in the real TFLM interpreter, in both ages of TFLM's names.

TFLM_PATCH_OLD_WHEEL_PYTHON names the Python of an environment with
tflite-micro==0.dev20260925222358, numpy, flatbuffers, absl-py and ai-edge-litert.
"""

import dataclasses
import importlib.util
import json
import os
import pathlib
import random
import struct
import subprocess
import sys

import numpy as np
import pytest

import tflm_patch.runtime
from tflm_patch.arena import predict
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program import encode as program_bytes
from tflm_patch.program import records as program
from tflm_patch.program.encode import Program, ProgramMap, ProgramOp, ProgramSegment
from tflm_patch.program.params import LookupParams, PadParams
from tflm_patch.runtime import selftest, tflm

SCRIPT = pathlib.Path(__file__).with_name('adapter_script.py')
OLD_WHEEL = 'TFLM_PATCH_OLD_WHEEL_PYTHON'
PREFIX = 'TflmPatchStage: '


@pytest.fixture(params=['current', 'old'])
def run_models(request, tmp_path):
  """Runs .tflite bytes in one of the wheels; returns the script's results."""
  if importlib.util.find_spec('tflite_micro') is None:
    pytest.skip('tflite-micro is not installed')
  python = sys.executable
  if request.param == 'old':
    python = os.environ.get(OLD_WHEEL)
    if not python:
      pytest.skip(f'{OLD_WHEEL} is not set')
  # The package alone: the rest of this environment is not the other's.
  folder = tmp_path / 'package'
  folder.mkdir()
  package = pathlib.Path(tflm_patch.runtime.__file__).parent.parent
  (folder / 'tflm_patch').symlink_to(package, target_is_directory=True)

  def run(models):
    files = []
    for number, model in enumerate(models):
      files.append(tmp_path / f'{number}.tflite')
      files[-1].write_bytes(model)
    result = subprocess.run(
      [python, SCRIPT, folder, *files], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f'exit code {result.returncode}: {result.stderr}'
    report = json.loads(result.stdout)
    assert report['wheel'] in tflm.TESTED_WHEELS
    if request.param == 'old':
      assert report['wheel'] != tflm.WHEEL
    return report['results']

  return run


def test_stage_gives_the_right_bytes(run_models):
  (result,) = run_models([selftest.model(*selftest.stage())])
  values = np.arange(64, dtype=np.int8).reshape(selftest.SHAPE)
  assert result['outputs'] == [selftest.expected(values).tolist()]


def test_stage_takes_no_persistent_memory(run_models):
  """One operator and four tensors: what TFLM itself keeps for them, and nothing more."""
  with_scratch, without = run_models(
    [selftest.model(*selftest.stage()), selftest.model(*single_lookup())]
  )
  # A scratch buffer costs its handle, a pointer, in TFLM.
  assert with_scratch['tail'] - without['tail'] == 16
  assert without['tail'] <= 800


def single_lookup(n_inputs=1, n_outputs=1):
  """Program and constants of a stage without a workspace; extra tensors are only declared."""
  entry = program.MapEntry(
    row_bytes=16,
    rows=4,
    ring_rows=4,
    split=4,
    cols=1,
    channels=16,
    type=program.TYPE_CODES[DType.INT8],
  )
  producers = [program.NONE] * n_inputs + list(range(n_outputs))
  maps = [
    ProgramMap(dataclasses.replace(entry, region=program.Region.TENSOR + i, producer=producer))
    for i, producer in enumerate(producers)
  ]
  table = np.arange(255, -1, -1).astype(np.uint8)
  ops = [
    ProgramOp(program.Kind.LOOKUP, [0], [n_inputs + i], 4, LookupParams(table))
    for i in range(n_outputs)
  ]
  segments = [ProgramSegment(0, len(ops), [(i, 0, 4) for i in range(len(ops))])]
  encoded = program_bytes.encode(Program(n_inputs, n_outputs, maps, ops, segments, 0))
  return encoded.program, encoded.constants


def stage_model(encoded, constants, n_inputs, n_outputs, **changes):
  """A model of one stage operator over int8 [1, 4, 1, 16] tensors."""
  data_type = changes.get('data_type', DType.UINT8)
  shape = changes.get('shape', selftest.SHAPE)
  count = n_inputs + n_outputs
  tensors = [Tensor(f't{i}', shape, DType.INT8) for i in range(count)]
  for name, data in (('program', encoded), ('constants', constants)):
    size = len(data) // (data_type.bytes or 1)
    tensors.append(Tensor(name, (size,), data_type, np.frombuffer(data, np.uint8)))
  inputs, outputs = tuple(range(n_inputs)), tuple(range(n_inputs, count))
  operator_inputs = changes.get('operator_inputs', (*inputs, count, count + 1))
  operator = Operator('CUSTOM', operator_inputs, outputs, custom_name=tflm.STAGE_OPERATOR)
  return serialize_model(Model([Subgraph(tensors, [operator], inputs, outputs)]))


def test_several_inputs_and_outputs(run_models):
  values = np.arange(64, dtype=np.int8).reshape(selftest.SHAPE)
  wanted = (~values.view(np.uint8)).view(np.int8).tolist()
  results = run_models(
    [
      stage_model(*single_lookup(1, 3), 1, 3),
      stage_model(*single_lookup(5, 1), 5, 1),
      stage_model(*single_lookup(1, 15), 1, 15),
    ]
  )
  assert [result['outputs'] for result in results] == [[wanted] * 3, [wanted], [wanted] * 15]


def running_maximum():
  """A stage that gives the greatest values of all its inputs so far: they are its state."""
  entry = program.MapEntry(
    row_bytes=16,
    rows=4,
    ring_rows=4,
    split=4,
    cols=1,
    channels=16,
    type=program.TYPE_CODES[DType.INT8],
    zero_point=-5,
  )
  state = program.Region.STATE
  maps = [
    dataclasses.replace(entry, region=program.Region.TENSOR, producer=program.NONE),
    dataclasses.replace(entry, region=program.Region.TENSOR + 1, producer=0),
    dataclasses.replace(entry, region=state, split_region=state, producer=1, kept=1),
  ]
  ops = [
    ProgramOp(program.Kind.MAXIMUM, [0, 2], [1], 4),
    ProgramOp(program.Kind.PAD, [1], [2], 4, PadParams()),
  ]
  segments = [ProgramSegment(0, 2, [(0, 0, 4), (1, 0, 4)])]
  encoded = program_bytes.encode(
    Program(1, 1, [ProgramMap(m) for m in maps], ops, segments, 0, state_bytes=64)
  )
  return stage_model(encoded.program, encoded.constants, 1, 1)


def test_state_outlives_an_invocation_and_is_reset():
  data = running_maximum()
  interpreter = tflm.Interpreter(data)
  rng = np.random.default_rng(1)
  for _ in range(2):
    greatest = np.full(selftest.SHAPE, -5, np.int8)
    for _ in range(5):
      values = rng.integers(-128, 128, selftest.SHAPE).astype(np.int8)
      greatest = np.maximum(greatest, values)
      np.testing.assert_array_equal(interpreter.invoke([values])[0], greatest)
    interpreter.reset()
  assert predict(parse_model(data)).total == interpreter.arena_usage().total


def test_int8_constants_are_as_good(run_models):
  (result,) = run_models([stage_model(*single_lookup(), 1, 1, data_type=DType.INT8)])
  assert 'outputs' in result


def one_line(result):
  """The operator's line of an error; fails unless there is exactly one."""
  assert 'error' in result
  assert '\n' not in result['error']
  assert result['error'].count(PREFIX) == 1
  return result['error'].split(PREFIX)[1].split(';')[0]


def test_what_does_not_fit_the_program_is_rejected(run_models):
  encoded, constants = selftest.stage()
  cases = {
    'as many tensors, but another split': (
      stage_model(*single_lookup(2, 1), 1, 2),
      'differs from the program',
    ),
    'another shape': (
      stage_model(*single_lookup(), 1, 1, shape=(1, 4, 1, 17)),
      'differs from the program',
    ),
    'a tensor more': (stage_model(*single_lookup(), 2, 1), 'differs from the program'),
    'too many tensors': (stage_model(*single_lookup(1, 15), 2, 15), 'number of inputs or outputs'),
    'no activation': (
      stage_model(*single_lookup(), 1, 1, operator_inputs=(2, 3)),
      'number of inputs',
    ),
    'an omitted input': (
      stage_model(*single_lookup(), 1, 1, operator_inputs=(-1, 2, 3)),
      'type or shape',
    ),
    'a computed program': (
      stage_model(*single_lookup(), 1, 1, operator_inputs=(0, 0, 3)),
      'must be constant',
    ),
    'int32 constants': (
      stage_model(*single_lookup(), 1, 1, data_type=DType.INT32),
      'must be constant',
    ),
    'a short program': (selftest.model(encoded[:-8], constants), 'leaves the program'),
    'short constants': (selftest.model(encoded, constants[:-1]), 'leaves the program'),
    'swapped constants': (selftest.model(constants, encoded), 'not a stage program'),
  }
  results = run_models([model for model, _ in cases.values()])
  for (case, (_, text)), result in zip(cases.items(), results, strict=True):
    assert text in one_line(result), case


def test_damaged_programs_never_crash(run_models):
  """Changed bytes, the checksum wrong or made right again: an error, or a valid program."""
  seeded = random.Random(20261023)
  encoded, constants = selftest.stage()
  models, checked = [], []
  for number in range(300):
    damaged = bytearray(encoded)
    for _ in range(seeded.randint(1, 4)):
      damaged[seeded.randrange(len(damaged))] = seeded.choice((0, 1, 16, 127, 128, 255))
    checked.append(number % 3 == 0 and damaged != encoded)
    if not checked[-1]:
      at = program.HEADER.offset('checksum')
      total = program_bytes.checksum(bytes(damaged[program.CHECKSUM_FROM :]))
      struct.pack_into('<I', damaged, at, total)
    models.append(selftest.model(bytes(damaged), constants))
  results = run_models(models)
  rejected = [result for result in results if 'error' in result]
  for result in rejected:
    one_line(result)
  assert all('error' in result for result, wrong in zip(results, checked, strict=True) if wrong)
  assert len({one_line(result) for result in rejected}) >= 5
