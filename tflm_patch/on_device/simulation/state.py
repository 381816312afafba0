# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What was learned, as a model."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.graph.types import Model
from tflm_patch.on_device.simulation.network import State


def with_state(model: Model, state: State) -> Model:
  """A copy of a model with other weights and biases.

  Args:
    model: The one that was trained.
    state: Of its layers, by operator.
  """
  main = model.main
  tensors = list(main.tensors)
  for index, parameters in state.items():
    inputs = main.operators[index].inputs
    values = {inputs[1]: parameters.weights.astype(np.int8)}
    if len(inputs) > 2 and inputs[2] >= 0:
      values[inputs[2]] = parameters.bias.astype('<i4')
    for tensor, array in values.items():
      data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
      tensors[tensor] = dataclasses.replace(tensors[tensor], data=data)
  changed = dataclasses.replace(main, tensors=tensors)
  return dataclasses.replace(model, subgraphs=[changed, *model.subgraphs[1:]])
