# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Channels are removed where that is exact, through every operator, and nowhere else."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from support.compare import assert_same_bytes, check_conversion
from support.effort import examples
from support.model_builder import ModelBuilder
from support.planted_channels import planted_networks, with_weights

from tflm_patch.api import ConvertOptions
from tflm_patch.conversion.finish import finish
from tflm_patch.conversion.plugins import Change, Context, run_plugins, select
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.operators.macs import subgraph_macs
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter

INPUTS = 8


def rewritten(data: bytes) -> tuple[Model, list[Change]]:
  entries = select(['constant_channels']).rewrites
  model, changes = run_plugins(parse_model(data), entries, Context())
  return finish(model), changes


def check_exact(data: bytes, inputs: int = INPUTS) -> tuple[Model, list[Change]]:
  """The rewritten stock model gives the same bytes in TFLM."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  model, changes = rewritten(data)
  if changes:
    original, found = Interpreter(data), Interpreter(serialize_model(model))
    for arrays in sample_inputs(parse_model(data), inputs):
      assert_same_bytes(original.invoke(arrays), found.invoke(arrays))
  return model, changes


def widths(model: Model) -> list[int]:
  """Channels of the outputs of all operators."""
  return [model.main.tensors[op.outputs[0]].shape[-1] for op in model.main.operators]
