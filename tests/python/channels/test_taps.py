# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Windows lose rows and columns of zeros where a smaller window lies at the same places."""

from __future__ import annotations

import pytest
from support.compare import check_conversion
from support.model_builder import ModelBuilder
from support.planted_channels import with_weights

from tflm_patch.api import ConvertOptions
from tflm_patch.conversion.plugins import Context, run_plugins, select
from tflm_patch.graph.reader import parse_model

FORCED = ConvertOptions(force_stage=True)


def model(kind: str, stride: int, padding: str, rows: slice, cols: slice, pad: bool = False):
  """A 5x5 window with zeros everywhere but in some rows and columns."""
  b = ModelBuilder(3)
  x = b.input((1, 9, 10, 4))
  if pad:
    x = b.pad_spatial(x, 2, 2, 2, 2)
  if kind == 'conv':
    y = b.conv(x, 5, 5, stride, padding=padding)
  else:
    y = b.depthwise(x, 1, 5, stride, padding=padding)
  b.output(y)

  def change(weights, biases):
    kept = weights.copy()
    weights[:] = 0
    place = (slice(None), rows, cols) if kind == 'conv' else (slice(None), slice(None), rows, cols)
    weights[place] = kept[place]

  return with_weights(b.build(), 0, change)


CENTRE = slice(2, 3)
CASES = {
  'the centre': ((1, 'SAME', CENTRE, CENTRE), (1, 1)),
  'three rows': ((1, 'SAME', slice(1, 4), slice(0, 5)), (3, 5)),
  'none before': ((1, 'SAME', slice(2, 5), slice(1, 4)), (4, 3)),  # 3 rows would pad 1 row
  'strided': ((2, 'SAME', slice(1, 4), slice(1, 4)), None),
  'without padding': ((1, 'VALID', CENTRE, CENTRE), None),
}


@pytest.mark.parametrize('kind', ['conv', 'depthwise'])
@pytest.mark.parametrize('name', CASES)
def test_zeros_go(kind, name):
  arguments, wanted = CASES[name]
  data = model(kind, *arguments)
  rewritten, _ = run_plugins(parse_model(data), select(['zero_taps']).rewrites, Context())
  weights = rewritten.main.tensors[rewritten.main.operators[0].inputs[1]]
  if wanted is not None:
    assert weights.shape[1:3] == wanted
  check_conversion(data, FORCED, 4)


def test_explicit_padding_shrinks():
  data = model('conv', 1, 'VALID', CENTRE, slice(2, 5), pad=True)
  entries = select(['fold_pad', 'zero_taps']).rewrites
  rewritten, _ = run_plugins(parse_model(data), entries, Context())
  operator = rewritten.main.operators[0]
  assert operator.explicit_padding == (0, 0, 0, 2)
  assert rewritten.main.tensors[operator.inputs[1]].shape[1:3] == (1, 3)
  check_conversion(data, FORCED, 4)
