# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Inputs that keep their bytes until the end of an inference, with --keep-input.

TFLM's memory planner gives the bytes of a model input to others once its last reader
has run: to outputs and scratch buffers of the operators after that. A tensor that is
marked as a variable lies in the persistent part of the arena, where nothing is planned,
and is read and written by the application as any other input.
"""

from __future__ import annotations

import dataclasses

from tflm_patch.graph.types import Model
from tflm_patch.graph.writer import drop_offline_plan


def keep(model: Model) -> Model:
  """A model whose inputs nothing overwrites; the model itself where that is so already.

  An input that the last operator reads is alive all the time anyway.
  """
  main = model.main
  last = len(main.operators) - 1
  reads = {t: i for i, operator in enumerate(main.operators) for t in operator.inputs}
  overwritten = [
    t
    for t in dict.fromkeys(main.inputs)
    if t not in main.outputs and reads.get(t, -1) < last and not main.tensors[t].is_variable
  ]
  if not overwritten:
    return model
  tensors = list(main.tensors)
  for t in overwritten:
    tensors[t] = dataclasses.replace(tensors[t], is_variable=True)
  kept = dataclasses.replace(main, tensors=tensors)
  model = dataclasses.replace(model, subgraphs=[kept, *model.subgraphs[1:]])
  return drop_offline_plan(model)  # it could give the input to others


def names(original: Model, model: Model) -> list[str]:
  """The inputs that `keep` gave memory of their own."""
  before, after = original.main, model.main
  return [
    f'"{after.tensors[t].name}"'
    for t, was in zip(after.inputs, before.inputs)
    if after.tensors[t].is_variable and not before.tensors[was].is_variable
  ]
