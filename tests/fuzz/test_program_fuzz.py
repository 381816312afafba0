# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fuzzed stage programs: the C core under sanitizers, and TFLM with the operator in it."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import struct
import subprocess

import numpy as np
import pytest
from support import golden
from support.effort import examples
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program import encode as program_bytes
from tflm_patch.program import records as program
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / 'micro_kernels'
MIN_COVERAGE = 0.8  # of the lines of each part
MUTANTS = examples(20_000)
# Small allocations are checked as well without keeping freed ones for long.
ENVIRONMENT = {**os.environ, 'ASAN_OPTIONS': 'quarantine_size_mb=1:malloc_context_size=0'}


def small_model(seed: int) -> bytes:
  """A residual network with every way of padding, pooling and accumulating."""
  b = ModelBuilder(seed)
  x = b.input((1, 9, 8, 3))
  x = b.conv(x, 6, kernel=(3, 3), stride=(2, 2))
  y = b.depthwise(x, kernel=(3, 3))
  x = b.add(x, y)
  x = b.average_pool(x, (2, 2))
  x = b.mean(x, (1, 2), keep_dims=False)
  x = b.fully_connected(x, 4)
  b.output(b.softmax(x))
  return b.build()


def converted(data: bytes) -> Model:
  return convert_model(data, ConvertOptions(force_stage=True)).model


def case_of(model: Model) -> bytes:
  """A case file of program_fuzz."""
  graph = model.main
  stage = graph.operators[0]
  tensors = [graph.tensors[t] for t in (*stage.inputs[:-2], *stage.outputs)]
  encoded, constants = (graph.tensors[t].data.tobytes() for t in stage.inputs[-2:])
  words = [len(tensors)]
  for tensor in tensors:
    words += [tensor.bytes, program.TYPE_CODES[tensor.dtype]]
  words += [len(encoded), len(constants)]
  return struct.pack(f'<{len(words)}I', *words) + encoded + constants


def build_fuzzer(folder: pathlib.Path, compiler: str, *flags: str) -> pathlib.Path:
  """program_fuzz, and what compiling it leaves beside it."""
  output = folder / 'program_fuzz'
  sources = [
    ROOT / 'tests/fuzz/program_fuzz.c',
    ROOT / 'tests/fuzz/corpus.c',
    ROOT / 'tests/kernels/program_builder.c',
    *sorted((KERNELS / 'src').rglob('*.c')),
  ]
  folders = [KERNELS / 'include', KERNELS / 'src', ROOT / 'tests/kernels', golden.headers()]
  # Sources of equal names in different folders leave different files.
  objects = [folder / f'{number}_{source.stem}.o' for number, source in enumerate(sources)]
  common = ['-std=c11', *flags, *(f'-I{folder}' for folder in folders)]

  def compile_one(source: pathlib.Path, target: pathlib.Path) -> None:
    subprocess.run([compiler, *common, '-c', source, '-o', target], cwd=folder, check=True)

  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(compile_one, sources, objects))
  built = subprocess.run(
    [compiler, *flags, *objects, '-lm', '-o', output], capture_output=True, text=True
  )
  if 'cannot find -lasan' in built.stderr or 'cannot find -lubsan' in built.stderr:
    pytest.skip('needs the sanitizer libraries of the compiler')
  assert built.returncode == 0, built.stderr
  return output


@pytest.fixture(scope='module')
def fuzzer(tmp_path_factory) -> pathlib.Path:
  """program_fuzz, compiled with sanitizers."""
  compiler = shutil.which('gcc') or shutil.which('clang')
  if compiler is None:
    pytest.skip('needs gcc or clang')
  return build_fuzzer(
    tmp_path_factory.mktemp('fuzz'),
    compiler,
    '-O1',
    '-g',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
  )


# ---- what the mutants reach ----


def part_of(source: str) -> str | None:
  """The part of the core that a file belongs to.

  None for other families' kernels, and for those that train, which no program calls.
  """
  path = pathlib.Path(source)
  apart = ('dsp', 'mve', 'include', 'tflm_patch')
  trains = 'backward' in path.parts
  if KERNELS not in path.parents or trains or path.parent.name in apart:
    return None
  if path.stem in ('executor', 'stage', 'kernel_table'):
    return 'executor'
  if path.stem in ('validate', 'schedule', 'check', 'checksum', 'status'):
    return 'validator'
  return 'portable kernels'


def covered_lines(folder: pathlib.Path) -> dict[str, dict[tuple[str, int], bool]]:
  """Of each part, whether each line of code was run."""
  notes = sorted(folder.glob('*.gcda'))
  done = subprocess.run(
    ['gcov', '--json-format', '--stdout', *map(str, notes)],
    capture_output=True,
    text=True,
    cwd=folder,
    check=True,
  )
  lines: dict[str, dict[tuple[str, int], bool]] = {}
  for report in map(json.loads, done.stdout.splitlines()):
    for file in report['files']:
      part = part_of(file['file'])
      if part is None:
        continue
      # A header's line is code of every file that includes it.
      known = lines.setdefault(part, {})
      for line in file['lines']:
        key = (file['file'], line['line_number'])
        known[key] = known.get(key, False) or line['count'] > 0
  return lines


def test_coverage(tmp_path, capsys):
  """The fuzzer reaches most of the code that it is for; the figures are printed."""
  if shutil.which('gcc') is None or shutil.which('gcov') is None:
    pytest.skip('needs gcc and gcov')
  program = build_fuzzer(tmp_path, 'gcc', '-O0', '--coverage')
  mutants = examples(20_000)
  printed = subprocess.run(
    [program, str(mutants), '1'], capture_output=True, text=True, cwd=tmp_path, check=True
  ).stdout
  assert f'{mutants} mutants' in printed
  parts = covered_lines(tmp_path)
  assert set(parts) == {'executor', 'validator', 'portable kernels'}
  for part, lines in sorted(parts.items()):
    share = sum(lines.values()) / len(lines)
    missing = sorted({pathlib.Path(file).name for (file, _), run in lines.items() if not run})
    with capsys.disabled():
      print(f'\ncoverage of {part}: {share:.1%} of {len(lines)} lines; not whole: {missing}')
    assert share >= MIN_COVERAGE, part


# ---- mutants under sanitizers, and in TFLM ----


def test_the_core_survives_mutated_programs(fuzzer, tmp_path):
  cases = []
  for number, data in enumerate([small_model(1), small_model(2)]):
    cases.append(tmp_path / f'{number}.case')
    cases[-1].write_bytes(case_of(converted(data)))
  run = subprocess.run(
    [fuzzer, str(MUTANTS), '1', *cases],
    capture_output=True,
    text=True,
    timeout=3000,
    env=ENVIRONMENT,
  )
  assert run.returncode == 0, run.stderr[-4000:]
  assert f'{MUTANTS} mutants' in run.stdout
  # Some mutants must be good programs, or the kernels were never fuzzed.
  assert int(run.stdout.split(',')[1].split()[0]) > MUTANTS // 1000


def test_the_core_runs_the_sample_model(fuzzer, tmp_path):
  case = tmp_path / 'sample.case'
  case.write_bytes(case_of(converted(sample_model_path().read_bytes())))
  run = subprocess.run(
    [fuzzer, '200', '3', case], capture_output=True, text=True, timeout=600, env=ENVIRONMENT
  )
  assert run.returncode == 0, run.stderr[-4000:]


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize('repair', [False, True])
def test_tflm_refuses_damaged_programs(seed, repair):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model = converted(small_model(3))
  graph = model.main
  at = graph.operators[0].inputs[-2]
  random = np.random.default_rng(seed)
  damaged = bytearray(graph.tensors[at].data.tobytes())
  for _ in range(3):
    damaged[random.integers(len(damaged))] ^= int(random.integers(1, 256))
  if repair:
    damaged = bytearray(program_bytes.finish(damaged))
  tensors = list(graph.tensors)
  tensors[at] = dataclasses.replace(tensors[at], data=np.frombuffer(bytes(damaged), np.uint8))
  main = dataclasses.replace(graph, tensors=tensors)
  data = serialize_model(dataclasses.replace(model, subgraphs=[main]))
  try:
    with IsolatedInterpreter(data) as interpreter:
      for arrays in sample_inputs(model, 1):
        interpreter.begin(arrays)
        interpreter.end()
  except TflmPatchError as error:
    # A refusal by the operator, not a crash of the interpreter's process.
    assert 'TflmPatchStage' in str(error), error
  else:
    assert repair, 'the checksum let a damaged program through'
