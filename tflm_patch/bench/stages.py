# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The stages of a converted model, with what goes in and what must come out.

Golden values come from the TFLM interpreter: the model is cut before and behind
every stage, and what TFLM computes up to there is taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tflm_patch.bench.job import StageJob, Tensor
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.graph.types import Model, Operator
from tflm_patch.graph.writer import compact, drop_offline_plan, serialize_model
from tflm_patch.runtime.isolated import IsolatedInterpreter

_CONSTANTS = 2  # the last two inputs of a stage operator: program and constants


def stage_positions(model: Model) -> list[int]:
  """Indices of the stage operators."""
  return [i for i, operator in enumerate(model.main.operators) if is_stage(operator)]


def stage_tensors(operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
  """Tensors that a stage reads and makes."""
  return operator.inputs[:-_CONSTANTS], operator.outputs


def stage_jobs(model: Model, inputs: Sequence[np.ndarray]) -> list[StageJob]:
  """A job for every stage.

  Args:
    model: A converted model.
    inputs: One array per input of the model; whole frames for one that is fed by bands.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model.
  """
  jobs: list[StageJob] = []
  for i in stage_positions(model):
    operator = model.main.operators[i]
    reads, makes = stage_tensors(operator)
    program, constants = (_constant(model, tensor) for tensor in operator.inputs[-_CONSTANTS:])
    given = _values(model, i, reads, inputs)
    made = _values(model, i + 1, makes, inputs)
    jobs.append(
      StageJob(
        name=f'stage {len(jobs)}',
        program=program,
        constants=constants,
        inputs=[_tensor(model, *pair) for pair in zip(reads, given)],
        outputs=[_tensor(model, *pair) for pair in zip(makes, made)],
      )
    )
  return jobs


def _constant(model: Model, index: int) -> bytes:
  data = model.main.tensors[index].data
  return b'' if data is None else data.tobytes()


def _tensor(model: Model, index: int, data: np.ndarray) -> Tensor:
  tensor = model.main.tensors[index]
  return Tensor(tensor.dtype, tensor.bytes, np.ascontiguousarray(data))


def _values(
  model: Model, position: int, wanted: Sequence[int], inputs: Sequence[np.ndarray]
) -> list[np.ndarray]:
  """Tensors as they are before the operator at a position runs."""
  known = dict(zip(model.main.inputs, inputs))
  computed = [tensor for tensor in dict.fromkeys(wanted) if tensor not in known]
  if computed:
    part = dataclasses.replace(
      model.main, operators=model.main.operators[:position], outputs=tuple(computed)
    )
    whole = dataclasses.replace(model, subgraphs=[part, *model.subgraphs[1:]], signatures=[])
    data = serialize_model(compact(drop_offline_plan(whole)))
    with IsolatedInterpreter(data) as interpreter:
      known.update(zip(computed, interpreter.invoke(inputs)))
  return [known[tensor] for tensor in wanted]
