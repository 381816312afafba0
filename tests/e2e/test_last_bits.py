# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""DIV, RSQRT and HARD_SWISH of scales that tell multipliers in float32 from those in double."""

import dataclasses

import numpy as np
import pytest
from support.compare import assert_same_bytes
from support.model_builder import ModelBuilder
from support.model_core import quantized

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.graph.types import DType
from tflm_patch.runtime.tflm import Interpreter

EVERY_VALUE = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256, 1)
# Scale and zero point of the input, divisor and its scale, scale of the output. Each was found by
# computing both tables: they differ in one value.
DIVISIONS = (
  (0.02434641867876053, 21, -5, 0.04225509613752365, 0.057107821106910706),
  (0.06758414208889008, -57, 3, 0.010905563831329346, 0.775779664516449),
  (0.05479665845632553, -22, 33, 0.08886487782001495, 0.007573069538921118),
  (0.013830042444169521, 117, 40, 0.09564801305532455, 0.0013114257017150521),
  (0.08024560660123825, -112, 33, 0.09927884489297867, 0.00951545499265194),
  (0.05371790751814842, 97, 90, 0.06451065093278885, 0.004460036288946867),
)
# Scale of the input, scale and zero point of the output.
ROOTS = (
  (0.08703096210956573, 0.03916540369391441, -77),
  (0.04823878034949303, 0.013835020363330841, 2),
  (0.042983680963516235, 0.04405992105603218, 90),
)
# Scales of input and output.
SWISHES = (
  (0.08417220413684845, 0.08671670407056808),
  (0.0983876958489418, 0.0764281377196312),
  (0.05667772516608238, 0.047857750207185745),
)


def with_scale(b, tensor, scale, zero_point):
  b.tensors[tensor] = dataclasses.replace(
    b.tensors[tensor], quantization=quantized(scale, zero_point)
  )


def check(b, y):
  b.output(y)
  data = b.build()
  result = convert_model(data, ConvertOptions(force_stage=True))
  assert result.stages and result.stock_operators == ()
  made = Interpreter(result.data).invoke([EVERY_VALUE])
  assert_same_bytes(Interpreter(data).invoke([EVERY_VALUE]), made)


@pytest.mark.parametrize('case', DIVISIONS)
def test_div(case):
  scale, zero_point, steps, divisor_scale, output_scale = case
  b = ModelBuilder(0)
  x = b.input(EVERY_VALUE.shape, scale=scale, zero_point=zero_point)
  divisor = b.constant(np.array([steps], np.int8), DType.INT8, quantized(divisor_scale, 0))
  y = b.div(x, divisor)
  with_scale(b, y, output_scale, 0)
  check(b, y)


@pytest.mark.parametrize('case', ROOTS)
def test_rsqrt(case):
  scale, output_scale, zero_point = case
  b = ModelBuilder(0)
  y = b.rsqrt(b.input(EVERY_VALUE.shape, scale=scale, zero_point=-128))
  with_scale(b, y, output_scale, zero_point)
  check(b, y)


@pytest.mark.parametrize('case', SWISHES)
def test_hard_swish(case):
  scale, output_scale = case
  b = ModelBuilder(0)
  y = b.hard_swish(b.input(EVERY_VALUE.shape, scale=scale, zero_point=0))
  with_scale(b, y, output_scale, 0)
  check(b, y)
