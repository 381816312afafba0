# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Architectures as data: specs, their text, their layers, their int8 graphs.

from tflm_patch import architecture
spec = architecture.load('in96x96x3 conv3_s2_c16 ir_k5_e4_s2_c24 x2 fc10')
model = architecture.to_graph(spec)
"""

from tflm_patch.architecture import spaces
from tflm_patch.architecture.catalogue import load, named
from tflm_patch.architecture.graph_builder import RandomScales, to_graph, with_random_weights
from tflm_patch.architecture.json_form import from_json, to_json
from tflm_patch.architecture.network import network_of
from tflm_patch.architecture.spec import Activation, Block, Head, Padding, Spec, SpecError
from tflm_patch.architecture.text import format_spec, parse_spec

__all__ = [
  'Activation',
  'Block',
  'Head',
  'Padding',
  'RandomScales',
  'Spec',
  'SpecError',
  'format_spec',
  'from_json',
  'load',
  'named',
  'network_of',
  'parse_spec',
  'spaces',
  'to_graph',
  'to_json',
  'with_random_weights',
]
