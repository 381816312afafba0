# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures a model on a core."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, emulator, image, operators
from tflm_patch.bench.job import StageJob
from tflm_patch.bench.stages import stage_jobs, stage_positions
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model
from tflm_patch.planner import program
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import as_frames, compare, io_adapter

SCHEMA_VERSION = 1
_NOISE_INPUT = 11  # of sample_inputs: the first with Gaussian noise


@dataclasses.dataclass(frozen=True)
class OperatorCost:
  """An operator of a stage, measured.

  Attributes:
    stage: Which stage, from 0.
    operator: Its shapes and how often it is called.
    instructions: In its kernel.
  """

  stage: int
  operator: operators.StageOperator
  instructions: int

  @property
  def instructions_per_mac(self) -> float | None:
    """None for an operator without multiply-accumulates."""
    return self.instructions / self.operator.macs if self.operator.macs else None


@dataclasses.dataclass(frozen=True)
class BenchResult:
  """A model measured on a core; all stages together.

  Attributes:
    cpu: Name of the core.
    optimization: The compiler's flag.
    operators: Every operator of every stage.
    stock_operators: Opcodes of operators outside stages: these are not measured.
    instructions: Of an inference, inside the stages.
    validate_instructions: Of checking the programs, once, in `AllocateTensors()`.
    workspace: Bytes of the largest workspace.
    stack: Bytes of an inference, at its deepest; of checking the program.
    validate_stack: Likewise, of checking the program.
    code_bytes: Executor and all kernels: code and read-only data.
    code_by_file: The same, by source file.
    bit_exact: Whether every byte is what TFLM's reference kernels give.
    compared_with_original: Whether those ran the original model; else the
      converted one was all that there was, with the stages' portable kernels.
  """

  cpu: str
  optimization: str
  operators: tuple[OperatorCost, ...]
  stock_operators: tuple[str, ...]
  instructions: int
  validate_instructions: int
  workspace: int
  stack: int
  validate_stack: int
  code_bytes: int
  code_by_file: dict[str, int]
  bit_exact: bool
  compared_with_original: bool

  @property
  def macs(self) -> int:
    """Multiply-accumulates of an inference, inside the stages."""
    return sum(cost.operator.macs for cost in self.operators)

  @property
  def executor_instructions(self) -> int:
    """Instructions outside the kernels."""
    return self.instructions - sum(cost.instructions for cost in self.operators)

  def to_json(self) -> dict[str, Any]:
    """The result for machines."""
    return {
        'schema_version': SCHEMA_VERSION,
        'cpu': self.cpu,
        'optimization': self.optimization,
        'instructions': self.instructions,
        'macs': self.macs,
        'bit_exact': self.bit_exact,
        'compared_with_original': self.compared_with_original,
        'workspace': self.workspace,
        'stack': self.stack,
        'code_bytes': self.code_bytes,
        'code_by_file': self.code_by_file,
        'executor_instructions': self.executor_instructions,
        'validate': {'instructions': self.validate_instructions, 'stack': self.validate_stack},
        'stock_operators': list(self.stock_operators),
        'operators': [
            {
                'stage': cost.stage,
                'kind': cost.operator.kind.name,
                'description': cost.operator.description,
                'instructions': cost.instructions,
                'macs': cost.operator.macs,
                'instructions_per_mac': cost.instructions_per_mac,
                'calls': cost.operator.calls,
            }
            for cost in self.operators
        ],
    }


Progress = Callable[[str], None]


def bench(
    path: str | os.PathLike[str],
    cpu: str,
    options: ConvertOptions | None = None,
    optimization: str = '-O3',
    progress: Progress | None = None,
) -> BenchResult:
  """Measures a model, which is converted first where it is not converted yet.

  Args:
    path: The `.tflite` file.
    cpu: Name of the core, see `cpus.find`.
    options: Of the conversion.
    optimization: The compiler's flag, one of `image.OPTIMIZATIONS`.
    progress: Called with a line of text as the work proceeds.

  Raises:
    EnvironmentMissing: compiler, emulator or TFLM interpreter is not installed.
    TflmPatchError: the file is no model, nothing of it can be in a stage, or the
      emulator fails.
  """
  core = cpus.find(cpu)
  image.require_tools(core)
  progress = progress or _silent
  try:
    data = pathlib.Path(path).read_bytes()
  except OSError as error:
    raise TflmPatchError(f'{path}: cannot be read ({error.strerror})') from error
  progress('Converting')
  model, converted, inputs = _prepare(
      data, os.fspath(path), options or ConvertOptions()
  )
  progress('Compiling the kernels')
  built = image.build(core, optimization)
  exact = True
  if converted is not data:
    progress('Comparing in TFLM')
    original = parse_model(data, os.fspath(path))
    exact = compare(data, converted, [inputs], io_adapter(original, model)).bit_exact
  progress(f'Running on {core.name}')
  jobs = stage_jobs(model, model, inputs)
  stock = tuple(
      operator.opcode
      for i, operator in enumerate(model.main.operators)
      if i not in stage_positions(model)
  )
  return _measure(core, optimization, built, jobs, stock, exact, converted is not data)


def _prepare(
    data: bytes, source: str, options: ConvertOptions
) -> tuple[Model, bytes, Sequence[np.ndarray]]:
  """The converted model, its file and one inference's inputs."""
  original = model = parse_model(data, source)
  converted = data
  if not stage_positions(model):
    result = convert_model(data, dataclasses.replace(options, force_stage=True), source)
    model, converted = result.model, result.data
    if not stage_positions(model):
      raise TflmPatchError(f'{source}: nothing to measure: {result.reason}')
  # Where bands of rows go in, a whole frame's shape is the original's.
  shapes = as_frames(model, original)
  inputs = next(itertools.islice(sample_inputs(shapes, _NOISE_INPUT + 1), _NOISE_INPUT, None))
  return model, converted, inputs


def _measure(
    core: cpus.Cpu,
    optimization: str,
    built: image.Image,
    jobs: Sequence[StageJob],
    stock: tuple[str, ...],
    exact: bool,
    compared_with_original: bool,
) -> BenchResult:
  costs: list[OperatorCost] = []
  found = []
  for number, job in enumerate(jobs):
    decoded = operators.decode(job.program)
    measured = emulator.run(core, built, job, [op.calls for op in decoded])
    found.append(measured)
    costs += [
        OperatorCost(number, op, round(instructions))
        for op, instructions in zip(decoded, measured.per_operator)
    ]
  return BenchResult(
      cpu=core.name,
      optimization=optimization,
      operators=tuple(costs),
      stock_operators=stock,
      instructions=round(sum(measured.instructions for measured in found)),
      validate_instructions=round(sum(measured.validate_instructions for measured in found)),
      workspace=max(program.HEADER.unpack(job.program)['workspace_bytes'] for job in jobs),
      stack=max(measured.stack for measured in found),
      validate_stack=max(measured.validate_stack for measured in found),
      code_bytes=sum(built.code_bytes.values()),
      code_by_file=built.code_bytes,
      bit_exact=exact and not any(measured.different or measured.stray for measured in found),
      compared_with_original=compared_with_original,
  )


def _silent(text: str) -> None:
  del text
