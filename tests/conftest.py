# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options and fixtures of all tests.

pytest --thousands          many more, and new, examples of the property tests
TFLM_PATCH_MODELS=folder    where the real models are
"""

import importlib.util
import os
import pathlib
import sys

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# A process has one backend of Keras. On JAX every operation of every shape is compiled: the tests
# take six times as long there, and tests/python/training/test_on_jax.py runs some of them so.
for backend in ('tensorflow', 'jax'):
  if importlib.util.find_spec(backend) is not None:
    os.environ.setdefault('KERAS_BACKEND', backend)
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

from support import effort, real_models  # noqa: E402

# Examples build and run whole models, so how long one takes says nothing.
_COMMON = {
  'deadline': None,
  'database': None,
  'print_blob': True,
  'suppress_health_check': [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile('tflm_patch', derandomize=True, **_COMMON)
settings.register_profile('tflm_patch_thousands', **_COMMON)


def pytest_addoption(parser):
  parser.addoption(
    '--thousands',
    action='store_true',
    help=f'run {effort.FACTOR} times as many examples of the property tests, with new seeds',
  )


def pytest_configure(config):
  effort.thousands = config.getoption('--thousands')
  settings.load_profile('tflm_patch_thousands' if effort.thousands else 'tflm_patch')


def pytest_collection_modifyitems(items):
  """What builds Keras models compiles them first: seconds a test."""
  for item in items:
    if 'keras' in getattr(item, 'fixturenames', ()):
      item.add_marker(pytest.mark.slow)


@pytest.fixture(scope='session')
def models_dir():
  """The folder of the real models; skips where it is absent."""
  if not real_models.available():
    pytest.skip(real_models.MISSING)
  return real_models.FOLDER
