# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures a model on a core."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

from tflm_patch import cost
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, emulator, image
from tflm_patch.bench.job import StageJob
from tflm_patch.bench.stages import stage_jobs, stage_positions
from tflm_patch.cost.work import OperatorWork, work_of_program
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.program.decode import header
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.isolated import IsolatedInterpreter
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
  operator: OperatorWork
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
    bands: Invocations that make up an inference, more than one where the input comes
      in bands of rows.
    longest_band: Instructions of the band that takes most, in the stage that is fed:
      the camera's lines must wait that long. All of them where the input comes whole.
    validate_instructions: Of checking the programs, once, in `AllocateTensors()`.
    workspace: Bytes of the largest workspace.
    stack: Bytes of an inference, at its deepest; of checking the program.
    validate_stack: Likewise, of checking the program.
    code_bytes: Executor and all kernels: code and read-only data.
    code_by_file: The same, by source file.
    exact_on_host: Whether the converted model gives the original's bytes in TFLM
      on this computer.
    compared_with_original: Whether there was an original; else the converted model
      was all that there was, and `exact_on_host` is True.
    different_bytes: Of the outputs on the core, against the converted model in TFLM.
    stray_bytes: Written around the memory that belongs to the stages.
    predicted_instructions: By the planner's cost model; None for a core without one.
    predicted_optimization: The compiler's flag that the cost model was fitted with.
  """

  cpu: str
  optimization: str
  operators: tuple[OperatorCost, ...]
  stock_operators: tuple[str, ...]
  instructions: int
  bands: int
  longest_band: int
  validate_instructions: int
  workspace: int
  stack: int
  validate_stack: int
  code_bytes: int
  code_by_file: dict[str, int]
  exact_on_host: bool
  compared_with_original: bool
  different_bytes: int
  stray_bytes: int
  predicted_instructions: int | None
  predicted_optimization: str | None

  @property
  def bit_exact(self) -> bool:
    """Whether every byte is what TFLM's reference kernels give, and nothing else is written."""
    return self.exact_on_host and not self.different_bytes and not self.stray_bytes

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
      'predicted_instructions': self.predicted_instructions,
      'predicted_optimization': self.predicted_optimization,
      'bands': self.bands,
      'longest_band': self.longest_band,
      'macs': self.macs,
      'bit_exact': self.bit_exact,
      'compared_with_original': self.compared_with_original,
      'exact_on_host': self.exact_on_host,
      'different_bytes': self.different_bytes,
      'stray_bytes': self.stray_bytes,
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


@dataclasses.dataclass(frozen=True)
class Workload:
  """A model ready to be measured on any core.

  Attributes:
    jobs: Its stages.
    stock_operators: Opcodes of operators outside stages.
    exact: Whether the converted model gives the original's bytes in TFLM.
    compared_with_original: Whether there was an original to compare with.
  """

  jobs: tuple[StageJob, ...]
  stock_operators: tuple[str, ...]
  exact: bool
  compared_with_original: bool


def bench(
  path: str | os.PathLike[str],
  cpu: str,
  options: ConvertOptions | None = None,
  optimization: str = '-O2',
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
  return measure(prepare(path, options, progress), core, optimization, progress)


def prepare(
  path: str | os.PathLike[str],
  options: ConvertOptions | None = None,
  progress: Progress | None = None,
) -> Workload:
  """Converts a model where it is not converted yet, and finds its golden values.

  Args:
    path, options, progress: As for `bench`.

  Raises:
    EnvironmentMissing: the TFLM interpreter is not installed.
    TflmPatchError: the file is no model, or nothing of it can be in a stage.
  """
  progress = progress or _silent
  source = os.fspath(path)
  data = converted = read_limited(path)
  original = model = parse_model(data, source)
  if not stage_positions(model):
    progress('Converting')
    options = dataclasses.replace(options or ConvertOptions(), force_stage=True)
    result = convert_model(data, options, source)
    model, converted = result.model, result.data
    if not stage_positions(model):
      raise TflmPatchError(f'{source}: nothing to measure: {result.reason}')
  # Where bands of rows go in, a whole frame's shape is the original's.
  shapes = as_frames(model, original)
  inputs = next(itertools.islice(sample_inputs(shapes, _NOISE_INPUT + 1), _NOISE_INPUT, None))
  progress('Running in TFLM')
  if converted is not data:
    exact = compare(data, converted, [inputs], io_adapter(original, model)).bit_exact
  else:
    with IsolatedInterpreter(data) as interpreter:
      interpreter.invoke(inputs)  # which checks the stages
    exact = True
  stages = stage_positions(model)
  return Workload(
    jobs=tuple(stage_jobs(model, inputs)),
    stock_operators=tuple(
      operator.opcode for i, operator in enumerate(model.main.operators) if i not in stages
    ),
    exact=exact,
    compared_with_original=converted is not data,
  )


def measure(
  workload: Workload, core: cpus.Cpu, optimization: str = '-O2', progress: Progress | None = None
) -> BenchResult:
  """Runs a workload on a core.

  Args:
    workload: From `prepare`.
    core: From `cpus.find`.
    optimization, progress: As for `bench`.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler or the emulator fails.
  """
  progress = progress or _silent
  progress('Compiling the kernels')
  built = image.build(core, optimization)
  progress(f'Running on {core.name}')
  costs: list[OperatorCost] = []
  found = []
  for number, job in enumerate(workload.jobs):
    try:
      work = work_of_program(job.program)
    except ValueError as error:
      raise TflmPatchError(
        f'stage {number} is rejected: {error}; convert the original model again'
      ) from error
    measured = emulator.run(core, built, job, [operator.calls for operator in work])
    found.append(measured)
    costs += [
      OperatorCost(number, operator, round(instructions))
      for operator, instructions in zip(work, measured.per_operator)
    ]
  predicted, predicted_optimization = _predicted(workload, core)
  return BenchResult(
    cpu=core.name,
    optimization=optimization,
    operators=tuple(costs),
    stock_operators=workload.stock_operators,
    instructions=round(sum(measured.instructions for measured in found)),
    bands=max(job.bands for job in workload.jobs),
    longest_band=round(_longest_band(workload.jobs, found)),
    validate_instructions=round(sum(measured.validate_instructions for measured in found)),
    workspace=max(header(job.program).workspace_bytes for job in workload.jobs),
    stack=max(measured.stack for measured in found),
    validate_stack=max(measured.validate_stack for measured in found),
    code_bytes=sum(built.code_bytes.values()),
    code_by_file=built.code_bytes,
    exact_on_host=workload.exact,
    compared_with_original=workload.compared_with_original,
    different_bytes=sum(measured.different for measured in found),
    stray_bytes=sum(measured.stray for measured in found),
    predicted_instructions=predicted,
    predicted_optimization=predicted_optimization,
  )


def _longest_band(jobs: Sequence[StageJob], found: Sequence[emulator.Measurement]) -> float:
  fed = [measured.longest_band for job, measured in zip(jobs, found) if job.bands > 1]
  return max(fed) if fed else sum(measured.instructions for measured in found)


def _predicted(workload: Workload, core: cpus.Cpu) -> tuple[int | None, str | None]:
  """The cost model's instructions, and the compiler's flag that it was fitted with."""
  if core.name not in cost.known_cpus():
    return None, None
  table = cost.load(core.name)
  instructions = sum(
    cost.predict_work(work_of_program(job.program), table).instructions for job in workload.jobs
  )
  return instructions, table.optimization


def _silent(text: str) -> None:
  del text
