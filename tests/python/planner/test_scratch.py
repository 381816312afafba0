# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The private memory that operators get is what the kernels ask for: no byte less is accepted."""

import struct

import numpy as np
import pytest
from support.block_models import block_model, force_blocks
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.codegen.checks import check_stage
from tflm_patch.errors import ModelError
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program import encode
from tflm_patch.program.decode import decode, header
from tflm_patch.program.records import OP, Kind


def pooled():
  b = ModelBuilder(1)
  b.output(b.average_pool(b.conv(b.input((1, 9, 7, 3)), 5, 3), (9, 3), padding='VALID'))
  return b.build()


def mean():
  b = ModelBuilder(2)
  b.output(b.mean(b.conv(b.input((1, 9, 7, 3)), 5, 3), (1,)))
  return b.build()


def flattened():
  b = ModelBuilder(3)
  b.output(b.fully_connected(b.conv(b.input((1, 9, 7, 3)), 5, 3), 6))
  return b.build()


def with_scratch(encoded, index, size):
  """A program in which an operator has a scratch of another size."""
  at = header(encoded).ops + OP.size * index + OP.offset('scratch_bytes')
  body = bytearray(encoded)
  struct.pack_into('<I', body, at, size)
  return np.frombuffer(encode.finish(body), np.uint8)


@pytest.mark.parametrize(
  ('make', 'kind'),
  [
    (pooled, Kind.AVERAGE_POOL_2D),
    (mean, Kind.MEAN),
    (flattened, Kind.FULLY_CONNECTED),
    (block_model, Kind.BOTTLENECK),
  ],
)
def test_size_is_the_smallest(make, kind, monkeypatch):
  if kind == Kind.BOTTLENECK:
    force_blocks(monkeypatch, 1.0)
  options = ConvertOptions(force_stage=True, plan=PlanOptions(max_overhead=9.0))
  model = convert_model(make(), options).model
  stage = model.main.operators[0]
  program, constants = (model.main.tensors[i] for i in stage.inputs[-2:])
  encoded = program.data.tobytes()
  ops = [
    op
    for op in decode(encoded, constants.data.tobytes()).ops
    if op.kind == kind and op.scratch is not None
  ]
  assert ops
  for op in ops:
    program.data = with_scratch(encoded, op.index, op.scratch_bytes)
    check_stage(model.main, stage, 'model')
    program.data = with_scratch(encoded, op.index, op.scratch_bytes - 1)
    with pytest.raises(ModelError):
      check_stage(model.main, stage, 'model')
