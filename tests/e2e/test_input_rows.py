# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that take their input in bands of rows, in the real TFLM interpreter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import real_models
from support.compare import assert_same_bytes, check_prediction
from support.effort import examples
from support.graphs import small_networks
from support.int16_graphs import int16_networks
from support.memory_check import check_memory
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.rows import ABORT, run_rows
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.verify import as_frames, io_adapter

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
FRAMES = 3


def check_bands(data, options, frames=FRAMES):
  """Outputs equal on whole frames, one after the other; arena as predicted."""
  result = convert_model(data, options)
  original, converted = Interpreter(data), Interpreter(result.data)
  check_prediction(result.converted_arena_host, converted.arena_usage())
  adapter = io_adapter(result.original, result.model)
  source = as_frames(result.model, result.original)
  for arrays in sample_inputs(source, frames, 0):
    wanted = original.invoke(arrays if adapter is None else adapter.original_inputs(arrays))
    made = converted.invoke(arrays)
    assert_same_bytes(wanted, made if adapter is None else adapter.original_outputs(made))
  for stage in result.stages:
    check_memory(stage.plan)
  return result


@settings(max_examples=examples(60))
@given(st.one_of(small_networks(), int16_networks()), st.data())
def test_generated_networks(network, data):
  shape = parse_model(network.data).main
  height = shape.tensors[shape.inputs[0]].shape[1]
  rows = data.draw(st.sampled_from([n for n in range(1, height + 1) if height % n == 0]))
  options = ConvertOptions(int8_io=data.draw(st.booleans()), force_stage=True, input_rows=rows)
  try:
    check_bands(network.data, options)
  except TflmPatchError as error:
    assert '--input-rows' in str(error)


def image_model(padding='SAME'):
  b = ModelBuilder(5)
  x = b.conv(b.input((1, 12, 10, 3)), 8, 3, 2, padding=padding)
  x = b.depthwise(x)
  b.output(b.fully_connected(b.mean(b.conv(x, 12, 1)), 4))
  return b.build()


@pytest.mark.parametrize('rows', [1, 2, 3, 4, 6, 12])
@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
def test_band_heights(rows, padding):
  result = check_bands(image_model(padding), ConvertOptions(input_rows=rows))
  assert result.model.main.tensors[result.model.main.inputs[0]].shape == (1, rows, 10, 3)


def frame_of(seed):
  return np.random.default_rng(seed).integers(-128, 128, (1, 12, 10, 3)).astype(np.int8)


def raw_interpreter(data):
  return Interpreter(convert_model(data, ConvertOptions(input_rows=4)).data)._interpreter


def test_run_rows_on_the_package_own_interpreter():
  data = image_model()
  interpreter = raw_interpreter(data)
  for seed in range(3):
    wanted = Interpreter(data).invoke([frame_of(seed)])
    assert_same_bytes(wanted, run_rows(interpreter, frame_of(seed)))


def test_reset_begins_a_frame():
  data = image_model()
  interpreter = raw_interpreter(data)
  interpreter.set_input(frame_of(1)[:, :4], 0)
  assert interpreter.invoke() == ABORT
  interpreter.reset()
  assert_same_bytes(Interpreter(data).invoke([frame_of(2)]), run_rows(interpreter, frame_of(2)))


def test_a_frame_of_another_height():
  interpreter = raw_interpreter(image_model())
  with pytest.raises(TflmPatchError, match='needs more than 2 bands'):
    run_rows(interpreter, frame_of(1)[:, :8])
  interpreter.reset()
  with pytest.raises(TflmPatchError, match='complete after 3 bands'):
    run_rows(interpreter, np.concatenate([frame_of(1), frame_of(2)], axis=1))
  with pytest.raises(TflmPatchError, match='does not consist of bands'):
    run_rows(interpreter, frame_of(1)[:, :, :9])


def two_inputs():
  b = ModelBuilder(1)
  shape = (1, 4, 4, 2)
  b.output(b.add(b.input(shape), b.input(shape)))
  return b.build()


def vector_input():
  b = ModelBuilder(1)
  b.output(b.fully_connected(b.input((1, 16)), 4))
  return b.build()


@pytest.mark.parametrize(
  'data, options, text',
  [
    (image_model, {'input_rows': 5}, 'does not divide the 12 rows'),
    (image_model, {'input_rows': 24}, 'does not divide the 12 rows'),
    (image_model, {'input_rows': 2, 'keep_input': True}, 'exclude each other'),
    (image_model, {'input_rows': 2, 'plugins': ('-stage',)}, 'exclude each other'),
    (two_inputs, {'input_rows': 2}, 'the model has 2 inputs'),
    (vector_input, {'input_rows': 1}, 'has no rows'),
  ],
)
def test_refusals(data, options, text):
  with pytest.raises(TflmPatchError, match=text) as error:
    convert_model(data(), ConvertOptions(**options))
  assert '\n' not in str(error.value)


def planes():
  """An image plane by plane: what a band brings is no row of the maps behind."""
  b = ModelBuilder(3)
  x = b.transpose(b.input((1, 3, 24, 24)), (0, 2, 3, 1))
  b.output(b.fully_connected(b.conv(b.conv(x, 8, 3, 2), 8, 3, 2), 4))
  return b.build()


@pytest.mark.parametrize(('data', 'is_larger'), [(planes, True), (image_model, False)])
def test_it_is_said_where_the_whole_input_needs_no_more(data, is_larger):
  fed = convert_model(data(), ConvertOptions(input_rows=1))
  whole = convert_model(data())
  assert (whole.converted_arena.total <= fed.converted_arena.total) == is_larger
  assert any('leave --input-rows out' in note for note in fed.notes) == is_larger


# Bytes of head; peers' best: 13,824, 13,568, 9,920, 52,672, 34,448 (see the README).
@pytest.mark.skipif(not real_models.available(), reason=real_models.MISSING)
@pytest.mark.parametrize(
  'name, head',
  [
    ('mlperf_vww_96_int8', 13_700),
    ('mlperf_resnet8_int8', 12_500),
    ('mlperf_kws_int8', 5_700),
    ('mbv2_0.35_144_int8', 28_900),
    ('mcunet_vww', 16_500),
    ('tflm_person_detect', 14_400),
    ('mcunet_detection', 57_000),
    ('mbv2_1.0_224_int8', 128_000),
  ],
)
def test_real_models(name, head):
  data = (real_models.FOLDER / f'{name}.tflite').read_bytes()
  result = check_bands(data, ConvertOptions(int8_io=True, input_rows=1), frames=2)
  assert result.converted_arena.head <= head
  assert result.converted_macs <= result.original_macs
