# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures a model on a core."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Sequence

from tflm_patch import cost
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, emulator, image, model_cycles
from tflm_patch.bench.job import StageJob
from tflm_patch.bench.result import BenchResult, OperatorCost
from tflm_patch.bench.sections import Sections
from tflm_patch.bench.stages import stage_jobs, stage_positions
from tflm_patch.bench.timing import Flash
from tflm_patch.cost.work import OperatorWork, work_of_program
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.graph.reader import parse_model
from tflm_patch.program.decode import header
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.runtime.streams import compare_streams, filling, hops_of, invocations_of
from tflm_patch.runtime.verify import as_frames, compare, io_adapter

_NOISE_INPUT = 11  # of sample_inputs: the first with Gaussian noise


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
  flash: Flash | None = None,
) -> BenchResult:
  """Measures a model, which is converted first where it is not converted yet.

  Args:
    path: The `.tflite` file.
    cpu: Name of the core, see `cpus.find`.
    options: Of the conversion.
    optimization: The compiler's flag, one of `image.OPTIMIZATIONS`.
    progress: Called with a line of text as the work proceeds.
    flash: What code and constants lie in, for the cycles; None for memory that does
      not wait.

  Raises:
    EnvironmentMissing: compiler, emulator or TFLM interpreter is not installed.
    TflmPatchError: the file is no model, nothing of it can be in a stage, or the
      emulator fails.
  """
  core = cpus.find(cpu)
  image.require_tools(core)
  return measure(prepare(path, options, progress), core, optimization, progress, flash)


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
  is_sliding = invocations_of(model) is not None
  shapes = filling(model) if is_sliding else as_frames(model, original)
  inputs = next(itertools.islice(sample_inputs(shapes, _NOISE_INPUT + 1), _NOISE_INPUT, None))
  progress('Running in TFLM')
  adapter = io_adapter(original, model)
  if converted is not data and is_sliding:
    rows = (each.main.tensors[each.main.inputs[0]].shape[1] for each in (model, original))
    hop, window = rows
    exact = compare_streams(data, converted, hops_of([inputs], hop), window, adapter).bit_exact
  elif converted is not data:
    exact = compare(data, converted, [inputs], adapter).bit_exact
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
  workload: Workload,
  core: cpus.Cpu,
  optimization: str = '-O2',
  progress: Progress | None = None,
  flash: Flash | None = None,
) -> BenchResult:
  """Runs a workload on a core.

  Args:
    workload: From `prepare`.
    core: From `cpus.find`.
    optimization, progress, flash: As for `bench`.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: the compiler or the emulator fails.
  """
  progress = progress or _silent
  progress('Compiling the kernels')
  built = image.build(core, optimization)
  progress(f'Running on {core.name}')
  work = [_work(number, job) for number, job in enumerate(workload.jobs)]
  missing = model_cycles.why_not(core) or _too_many(workload.jobs)
  watch = None if missing else emulator.Watch(flash)
  found = [
    emulator.run(core, built, job, [operator.calls for operator in each], watch=watch)
    for job, each in zip(workload.jobs, work)
  ]
  cycles = None
  if missing is None:
    cycles = model_cycles.model_cycles(core, built, workload.jobs, found, flash)
  predicted = _predicted(workload, core)
  return BenchResult(
    cpu=core.name,
    optimization=optimization,
    operators=_operators(work, found, cycles),
    stock_operators=workload.stock_operators,
    instructions=round(sum(measured.instructions for measured in found)),
    bands=max(job.bands for job in workload.jobs),
    longest_band=round(_longest_band(workload.jobs, found)),
    validate_instructions=round(sum(measured.validate_instructions for measured in found)),
    workspace=max(header(job.program).workspace_bytes for job in workload.jobs),
    fast=max(header(job.program).fast_bytes for job in workload.jobs),
    stack=max(measured.stack for measured in found),
    validate_stack=max(measured.validate_stack for measured in found),
    code_bytes=sum(built.code_bytes.values()),
    code_by_file=built.code_bytes,
    exact_on_host=workload.exact,
    compared_with_original=workload.compared_with_original,
    different_bytes=sum(measured.different for measured in found),
    stray_bytes=sum(measured.stray for measured in found),
    predicted_instructions=predicted.instructions,
    predicted_cycles=predicted.cycles,
    predicted_optimization=predicted.optimization,
    cycles=cycles,
    cycles_missing=missing,
  )


def _work(number: int, job: StageJob) -> list[OperatorWork]:
  try:
    return work_of_program(job.program)
  except ValueError as error:
    raise TflmPatchError(
      f'stage {number} is rejected: {error}; convert the original model again'
    ) from error


def _too_many(jobs: Sequence[StageJob]) -> str | None:
  """Why the sections of jobs cannot be told apart."""
  if all(Sections(job.bands, header(job.program).n_ops).fit for job in jobs):
    return None
  return 'the model has too many bands and operators'


def _operators(
  work: Sequence[Sequence[OperatorWork]],
  found: Sequence[emulator.Measurement],
  cycles: model_cycles.ModelCycles | None,
) -> tuple[OperatorCost, ...]:
  """What every operator of every stage takes."""
  costs = [
    OperatorCost(number, operator, round(instructions))
    for number, (each, measured) in enumerate(zip(work, found))
    for operator, instructions in zip(each, measured.per_operator)
  ]
  if cycles is None:
    return tuple(costs)
  return tuple(
    dataclasses.replace(cost, cycles=taken) for cost, taken in zip(costs, cycles.operators)
  )


def _longest_band(jobs: Sequence[StageJob], found: Sequence[emulator.Measurement]) -> float:
  fed = [measured.longest_band for job, measured in zip(jobs, found) if job.bands > 1]
  return max(fed) if fed else sum(measured.instructions for measured in found)


@dataclasses.dataclass(frozen=True)
class _Predicted:
  """What the cost model says, and the compiler's flag that it was fitted with."""

  instructions: int | None = None
  cycles: int | None = None
  optimization: str | None = None


def _predicted(workload: Workload, core: cpus.Cpu) -> _Predicted:
  if core.name not in cost.known_cpus():
    return _Predicted()
  table = cost.load(core.name)
  found = [cost.predict_work(work_of_program(job.program), table) for job in workload.jobs]
  cycles = None
  if table.cycles is not None:
    cycles = sum(each.cycles or 0 for each in found)
  return _Predicted(sum(each.instructions for each in found), cycles, table.optimization)


def _silent(text: str) -> None:
  del text
