# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFLM itself reports, and where the real models are."""

import os
import pathlib

import pytest

from tflm_patch.arena import wheel_build
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.graph.reader import read_model
from tflm_patch.runtime.tflm import Interpreter, wheel_version

_ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', _ROOT.parent / 'shared' / 'models'))


@pytest.fixture(scope='session')
def build():
  """The build of the installed tflite-micro package."""
  try:
    return wheel_build(wheel_version())
  except EnvironmentMissing as missing:
    pytest.skip(str(missing))


@pytest.fixture
def parse(tmp_path):
  """Reads a model from bytes."""

  def read(data):
    path = tmp_path / 'model.tflite'
    path.write_bytes(data)
    return read_model(path)

  return read


@pytest.fixture(scope='session')
def models():
  """The real models, by name; skips where they are absent."""
  found = {path.stem: path for path in sorted(MODELS.glob('*.tflite'))}
  if not found:
    pytest.skip(f'no models in {MODELS}; set TFLM_PATCH_MODELS to their folder')
  return found


@pytest.fixture(scope='session')
def reported(build):
  """Head and tail that TFLM's allocator reports for a model, in bytes."""

  def measure(data):
    usage = Interpreter(data).arena_usage()
    assert usage.head + usage.tail == usage.total
    return usage.head, usage.tail

  return measure
