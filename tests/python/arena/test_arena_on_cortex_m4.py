# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for pointers of 4 bytes, against TFLM on an emulated Cortex-M4."""

from __future__ import annotations

import arena_operator_cases as operator_cases
import pytest
from arena_random_models import random_model
from support import arena_firmware, real_models, stateful_models
from support.arena_firmware import ArenaFirmware, Report, Request
from support.firmware import image_model
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.arena import operators, predict, resource_variables
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType

MISSING = arena_firmware.missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture(scope='module')
def firmware(tmp_path_factory):
  return ArenaFirmware(tmp_path_factory.mktemp('firmware'))


def check(firmware: ArenaFirmware, files: dict[str, bytes], is_least: bool = False) -> None:
  """Head, tail and total of each are as predicted, and TFLM takes an arena of `required`.

  Args:
    firmware: Allocates.
    files: By name.
    is_least: No smaller arena is taken.
  """
  models = {name: parse_model(data) for name, data in files.items()}
  found = {name: predict(model, build=firmware.build) for name, model in models.items()}
  assert all(prediction.exact for prediction in found.values())

  def reports(spare: int | None = None) -> dict[str, Report | None]:
    requests = []
    for name, data in files.items():
      size = arena_firmware.ROOMY if spare is None else found[name].required + spare
      requests.append(Request(data, len(resource_variables(models[name])), size))
    return dict(zip(files, firmware.allocate(requests)))

  wanted = {name: Report(p.head, p.tail, p.total) for name, p in found.items()}
  assert reports() == wanted
  assert reports(0) == wanted
  if is_least:
    assert reports(-16) == dict.fromkeys(files)


def test_every_operator_of_the_table(firmware):
  files = {
    f'{name}-{number}': case()
    for name, cases in operator_cases.CASES.items()
    for number, case in enumerate(cases)
  }
  assert len(files) > len(operators.known())
  check(firmware, files)


def test_random_graphs(firmware):
  check(firmware, {str(seed): random_model(seed) for seed in range(100)})


def float_model() -> bytes:
  b = ModelBuilder(3)
  x = b.quantize(b.input((1, 20, 20, 3), DType.FLOAT32))
  b.output(b.dequantize(b.softmax(b.fully_connected(b.mean(b.conv(x, 8), keep_dims=False), 4))))
  return b.build()


def test_models_and_what_is_made_of_them(firmware):
  """Convolutions, blocks, detectors, float inputs, LSTM, variables; stages, bands, plans."""
  stock = {
    'image': image_model(),
    'float output': image_model(True),
    'float input': float_model(),
    'recurrent': stateful_models.recurrent(),
    'one variable': stateful_models.streaming(1),
    'three variables': stateful_models.streaming(3),
  }
  files = dict(stock)
  for name, data in stock.items():
    for options in (ConvertOptions(), ConvertOptions(force_stage=True)):
      files[f'{name} {options.force_stage}'] = convert_model(data, options).data
  fed = ConvertOptions(force_stage=True, input_rows=2)
  files['image by rows'] = convert_model(stock['image'], fed).data
  assert any(b'TflmPatchStage' in data for data in files.values())
  check(firmware, files)


def real_files() -> dict[str, bytes]:
  return {path.stem: path.read_bytes() for path in sorted(real_models.FOLDER.glob('*.tflite'))}


def test_real_models(firmware):
  if not real_models.available():
    pytest.skip(real_models.MISSING)
  check(firmware, real_files(), is_least=True)


@pytest.mark.parametrize('name', list(real_files()) or ['none'])
def test_converted_real_models(firmware, name):
  if not real_models.available():
    pytest.skip(real_models.MISSING)
  data = real_files()[name]
  files = {'smallest': convert_model(data).data}
  check(firmware, files, is_least=True)
