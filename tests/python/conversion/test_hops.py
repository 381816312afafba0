# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows that slide: the new rows alone give what the whole window gives."""

import functools
import itertools
import json

import numpy as np
import pytest
from support import real_models
from support.model_builder import ModelBuilder
from support.stateful_models import streaming
from support.window_models import expect_same_windows, windowed

from tflm_patch.analysis.verification import verify
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.cli.main import main
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program.records import Kind
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.streams import invocations_of
from tflm_patch.runtime.tflm import Interpreter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

KINDS = ('SAME', 'VALID', 'MIXED')


@functools.cache
def converted(data, **options):
  return convert_model(data, ConvertOptions(**options))


def check(seed, padding, dtype=DType.INT8, level=None, times=1):
  model = windowed(seed, padding, dtype)
  hop = times * model.strides
  result = converted(model.data, hop=hop, hop_level=level, force_stage=True)
  windows = result.hop.invocations
  resets = (windows + 7, windows + 9)
  compared = expect_same_windows(model.data, result.data, 2 * windows + 20, resets, streams=2)
  # Before the first reset, between the two (two calls), and after the second.
  assert compared == 2 * (8 + max(0, 3 - windows) + 12)


@pytest.mark.parametrize('padding', KINDS)
@pytest.mark.parametrize('seed', [3, 4])
def test_generated_models(seed, padding):
  check(seed, padding)


def test_int16():
  check(5, 'SAME', DType.INT16)


@pytest.mark.slow
@pytest.mark.parametrize('times', [1, 2])
@pytest.mark.parametrize('padding', KINDS)
@pytest.mark.parametrize('seed', range(10, 40))
def test_more_generated_models(seed, padding, times):
  check(seed, padding, level=(None, 1, 2, 5)[seed % 4], times=times)


def convolutions(padding, rows=16, layers=2, stride=1, cols=1, channels=8):
  """Convolutions of five rows and a dense layer."""
  b = ModelBuilder(21)
  x = b.input((1, rows, cols, 4))
  for _ in range(layers):
    x = b.conv(x, channels, (5, 1), (stride, 1), padding=padding, activation='RELU')
  b.output(b.fully_connected(x, 3))
  return b.build()


def test_without_padding_nothing_is_computed_again():
  data = convolutions('VALID')
  result = converted(data, hop=1)
  assert result.hop.macs_again == 0
  assert result.converted_macs == 5 * 4 * 8 + 5 * 8 * 8 + 3 * 8 * 8
  assert json.loads(json.dumps(result.to_json()))['hop'] == {
    'rows': 1,
    'window_rows': 16,
    'macs_again': 0,
    'invocations': 16,
  }
  expect_same_windows(data, result.data, 40, (20,))


def test_with_padding_the_border_rows_are():
  result = converted(convolutions('SAME', rows=32), hop=1)
  # Rows 0, 1 and 30, 31 of the first map, 0 to 3 and 28 to 31 of the second.
  row = 5 * 4 * 8, 5 * 8 * 8
  dense = 3 * 32 * 8
  assert result.hop.macs_again == 4 * row[0] + 8 * row[1]
  assert result.converted_macs == 5 * row[0] + 9 * row[1] + dense


@pytest.mark.parametrize('hop', [1, 2, 3])
def test_windows_lie_behind_each_other(hop):
  """With one place for new rows, where one window is made from the other."""
  data = convolutions('VALID', rows=24, layers=4, channels=4)
  result = converted(data, hop=hop)
  (stage,) = result.stages
  kinds = [op.kind for op in stage.plan.graph.ops]
  assert kinds.count(Kind.APPEND) == 4 and Kind.SLIDE not in kinds
  # Windows of five rows, 8 of the last map for the dense layer; 4 bytes a row.
  apart = 4 * ((4 + hop) * 4 + 8)
  wanted = apart - 3 * hop * 4
  assert stage.plan.state_bytes == -(-wanted // 16) * 16
  expect_same_windows(data, result.data, 60, (40,), streams=2)


def test_the_arena_is_what_was_predicted():
  for padding in KINDS[:2]:
    result = converted(convolutions(padding, rows=32), hop=2)
    assert measure_arena(result.data).total == result.converted_arena_host.total


def test_less_is_kept_in_a_smaller_arena():
  data = convolutions('SAME', rows=40, layers=4, cols=3)
  free = converted(data, hop=1)
  tight = converted(
    data, hop=1, plan=PlanOptions(arena_bytes=free.converted_arena.required * 2 // 3)
  )
  assert tight.converted_arena.required <= free.converted_arena.required * 2 // 3
  assert tight.converted_macs > free.converted_macs
  expect_same_windows(data, tight.data, 45)
  with pytest.raises(TflmPatchError, match='no plan fits an arena of 900 bytes'):
    converted(data, hop=1, plan=PlanOptions(arena_bytes=900))


def test_the_curve_of_bytes_against_work(tmp_path, capsys):
  path = tmp_path / 'model.tflite'
  path.write_bytes(convolutions('SAME', rows=40, layers=3, cols=3))
  assert main(['pareto', str(path), '--hop', '1', '--json']) == 0
  curve = json.loads(capsys.readouterr().out)
  points = curve['points']
  assert len(points) > 3 and curve['schema_version'] == 1
  for less, more in itertools.pairwise(points):
    assert more['state_bytes'] < less['state_bytes'] and more['macs'] >= less['macs']
  assert points[0]['optimal'] and points[-1]['macs'] <= curve['stock_macs']
  for point in points[1:3]:
    result = converted(path.read_bytes(), hop=1, hop_level=points.index(point))
    assert result.converted_arena.total == point['arena_total']
    expect_same_windows(path.read_bytes(), result.data, 45)
  assert main(['pareto', str(path), '--hop', '1']) == 0
  assert 'of a window' in capsys.readouterr().out
  assert main(['pareto', str(path), '--hop', '1', '--html', 'a.html']) != 0
  assert '--hop and --html exclude each other' in capsys.readouterr().err


def test_outputs_begin_when_the_window_is_full():
  data = convolutions('VALID', rows=17)
  result = converted(data, hop=3)
  assert invocations_of(result.model) == result.hop.invocations == 6
  assert invocations_of(result.original) is None
  interpreter = Interpreter(result.data)
  rows = np.zeros((1, 3, 1, 4), np.int8)
  for _ in range(2):
    there = [interpreter.outputs_of([rows]) is not None for _ in range(8)]
    assert there == [False] * 5 + [True] * 3
    interpreter.reset()


@pytest.mark.parametrize(
  ('name', 'hop', 'most', 'work'),
  [('mlperf_streaming_wakeword', 1, 5000, 0.06), ('mlperf_kws_int8', 2, 28 << 10, 0.43)],
)
@pytest.mark.slow
def test_real_models(name, hop, most, work):
  path = real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  data = path.read_bytes()
  # The fastest plan takes what it may; Python's pointers take twice as much as the target's.
  budget = most - 1024 if name == 'mlperf_kws_int8' else None
  result = converted(data, hop=hop, plan=PlanOptions(arena_bytes=budget))
  assert max(result.converted_arena.total, result.converted_arena_host.total) <= most
  assert result.converted_macs <= work * result.original_macs
  assert len(result.model.main.operators) == 1
  expect_same_windows(data, result.data, 150, (70,), streams=2)


@pytest.mark.slow
def test_verify_compares_streams(tmp_path):
  data = convolutions('SAME')
  other = bytearray(data)
  at = data.rindex(bytes(parse_model(data).main.tensors[1].data[:16]))
  other[at] ^= 0x55
  original, sliding = tmp_path / 'model.tflite', tmp_path / 'sliding.tflite'
  original.write_bytes(data)
  sliding.write_bytes(converted(data, hop=1).data)
  check = verify(original, sliding, 12)
  # One window for each row, but for those after the reset in the twelve windows.
  assert check.bit_exact and check.inputs == 12 * 16 - 2 * 15
  rows = np.random.default_rng(6).integers(-128, 128, (50, 1, 4)).astype(np.int8)
  np.save(tmp_path / 'stream.npy', rows)
  check = verify(original, sliding, tmp_path / 'stream.npy')
  assert check.bit_exact and check.inputs == 50 - 15
  original.write_bytes(other)
  assert not verify(original, sliding, 4).bit_exact


def two_inputs():
  b = ModelBuilder(22)
  b.output(b.add(b.input((1, 8, 1, 4)), b.input((1, 8, 1, 4))))
  return b.build()


def vectors():
  b = ModelBuilder(23)
  b.output(b.fully_connected(b.input((1, 40)), 4))
  return b.build()


LINES = [
  (two_inputs, 1, 'the model has 2 inputs'),
  (vectors, 1, r'the input \[1, 40\] has no time'),
  (streaming, 1, 'operator 0, CALL_ONCE, remembers earlier invocations'),
  (lambda: convolutions('VALID'), 16, '--hop 16 leaves nothing of a window of 16 rows'),
  (lambda: convolutions('SAME', stride=2), 2, 'CONV_2D 1 makes a row of every 4 of the input, '),
  (lambda: convolutions('SAME', 4), 1, 'no row of a map stays the same'),
]


@pytest.mark.parametrize(('make', 'hop', 'line'), LINES)
def test_bad_input_is_one_line(make, hop, line):
  with pytest.raises(TflmPatchError, match=f'--hop.*{line}|{line}') as caught:
    convert_model(make(), ConvertOptions(hop=hop))
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
  ('options', 'line'),
  [
    ({'input_rows': 1}, '--input-rows and --hop exclude each other'),
    ({'keep_input': True}, '--hop and --keep-input exclude each other'),
    ({'plugins': ('-stage',)}, '--hop and --plugins=-stage exclude each other'),
  ],
)
def test_options_that_exclude_each_other(options, line):
  with pytest.raises(TflmPatchError, match=line):
    convert_model(convolutions('VALID'), ConvertOptions(hop=1, **options))


def test_a_converted_model_is_refused():
  once = converted(convolutions('VALID'), hop=1)
  with pytest.raises(TflmPatchError, match='--hop needs the original one'):
    convert_model(once.data, ConvertOptions(hop=1))


def test_the_command(tmp_path, capsys):
  path, output = tmp_path / 'model.tflite', tmp_path / 'out.tflite'
  path.write_bytes(convolutions('SAME', rows=32))
  assert main(['convert', str(path), '-o', str(output), '--hop', '1']) == 0
  printed = capsys.readouterr().out
  assert 'hop: 1 new of 32 rows an Invoke(), outputs once 32 have filled the window' in printed
  output.unlink()
  assert main(['convert', str(path), '-o', str(output), '--hop', '32']) != 0
  assert capsys.readouterr().err.count('\n') == 1 and not output.exists()
