# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Conversions are compared by arithmetic before they are by bytes."""

from __future__ import annotations

import dataclasses

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.arena import predict
from tflm_patch.conversion import pipeline
from tflm_patch.conversion.judge import DEFAULT_GOAL
from tflm_patch.conversion.options import ConvertOptions
from tflm_patch.conversion.outcome import is_no_worse
from tflm_patch.conversion.stage_operator import install_stages
from tflm_patch.graph.reader import parse_model


def chain(channels: int) -> bytes:
  b = ModelBuilder(7)
  x = b.input((1, 24, 24, 3))
  for _ in range(3):
    x = b.conv(x, channels, 3, activation='RELU')
  b.output(b.conv(x, 4, 1))
  return b.build()


@pytest.mark.parametrize('options', [ConvertOptions(), ConvertOptions(input_rows=2)])
def test_outlines_need_the_memory_of_their_programs(options):
  found = pipeline.plan(parse_model(chain(8)), options)
  assert found.stages
  whole, outlines = (
    predict(install_stages(found.original, found.stages, outlines=each), build=DEFAULT_GOAL.build)
    for each in (False, True)
  )
  assert outlines == whole
  sizes = [len(stage.outline.program) for stage in found.stages]
  assert max(sizes) < min(len(stage.encoded.program) for stage in found.stages)


def test_no_file_is_below_the_least():
  found = pipeline.plan(parse_model(chain(8)))
  assert 0.6 * found.file_bytes < found.least_file_bytes <= found.file_bytes


def test_what_is_worse_in_one_respect_is_worse():
  small, large = (pipeline.plan(parse_model(chain(channels))) for channels in (4, 16))
  assert is_no_worse(small, small, 0) and is_no_worse(small, large, 0)
  assert not is_no_worse(large, small, 0)
  # An arena that is granted does not count, the work and the file still do.
  assert not is_no_worse(large, small, large.arena.required)
  granted = dataclasses.replace(large, model=small.model, stages=small.stages)
  assert not is_no_worse(granted, small, 0)
  assert is_no_worse(granted, small, large.arena.required)
