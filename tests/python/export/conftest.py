# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models that the tests of exports share."""

import pytest
from export_builds import FRAME
from support.firmware import converted, image_model, printed_by_example


@pytest.fixture(scope='session')
def models(tmp_path_factory):
  """Paths of converted models and what their examples print."""
  folder = tmp_path_factory.mktemp('models')
  found = {}
  for name, data, shape in (
    ('whole', converted(), None),
    ('rows', converted(input_rows=2), FRAME),
    ('real', converted(image_model(float_output=True)), None),
  ):
    (folder / f'{name}.tflite').write_bytes(data)
    found[name] = folder / f'{name}.tflite', printed_by_example(data, shape)
  return found
