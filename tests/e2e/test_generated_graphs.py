# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random small networks: the converted model gives TFLM's bytes, in the arena predicted."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.compare import check_conversion
from support.effort import examples
from support.graphs import dense_networks, small_networks
from support.int16_graphs import int16_networks

from tflm_patch.api import ConvertOptions
from tflm_patch.planner.options import PlanOptions

INPUTS = 7  # both extremes, the zero point, two ramps, and more

plans = st.builds(
  PlanOptions,
  max_overhead=st.sampled_from([1.0, 1.0, 10.0]),
  schedule=st.sampled_from(['auto', 'auto', 'layer', 'stream']),
)
options = st.builds(
  ConvertOptions,
  int8_io=st.booleans(),
  keep_input=st.booleans(),
  force_stage=st.just(True),
  plan=plans,
)


@settings(max_examples=examples(150))
@given(small_networks(), options)
def test_forced_stages_are_exact(network, options):
  check_conversion(network.data, options, INPUTS)


@settings(max_examples=examples(100))
@given(small_networks())
def test_conversion_is_exact_and_never_worse(network):
  check_conversion(network.data, ConvertOptions(), INPUTS)


@settings(max_examples=examples(50))
@given(dense_networks(), options)
def test_dense_networks_are_exact(network, options):
  check_conversion(network.data, options, INPUTS)


@settings(max_examples=examples(100))
@given(int16_networks(), options)
def test_int16_networks_are_exact(network, options):
  check_conversion(network.data, options, INPUTS)
