# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Modelled cycles of a measured model: totals, operators, bands."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from tflm_patch.bench import emulator
from tflm_patch.bench.cpus import Cpu
from tflm_patch.bench.image import Image
from tflm_patch.bench.job import StageJob
from tflm_patch.bench.sections import VALIDATE, Sections
from tflm_patch.bench.timing import TIMINGS, Cycles, Flash, cycles_of
from tflm_patch.bench.timing.disassembly import disassemble
from tflm_patch.bench.trace import plugin
from tflm_patch.program.decode import header


@dataclasses.dataclass(frozen=True)
class ModelCycles:
  """Cycles of an inference, inside the stages.

  Attributes:
    source: Whose timings they are.
    wait_states: Of the flash that holds code and constants.
    total: Of the inference.
    operators: Of every operator's kernel, all stages in a row.
    longest_band: Of the band that takes most, in the stage that is fed; all of them
      where the input comes whole.
    validate: Of checking the programs.
  """

  source: str
  wait_states: int
  total: Cycles
  operators: tuple[int, ...]
  longest_band: int
  validate: int

  @property
  def executor(self) -> int:
    """Outside the kernels."""
    return self.total.cycles - sum(self.operators)


def why_not(core: Cpu) -> str | None:
  """Why a core's cycles cannot be told, None when they can."""
  if core.name not in TIMINGS:
    return f'no timings of the {core.name} are published'
  return plugin.why_not(core.emulator)


def model_cycles(
  core: Cpu,
  built: Image,
  jobs: Sequence[StageJob],
  found: Sequence[emulator.Measurement],
  flash: Flash | None,
) -> ModelCycles:
  """Cycles from the traces of a model's stages.

  Args:
    core: One with timings.
    built: What ran.
    jobs, found: The stages and what was measured of them, with traces.
    flash: As for the traces.

  Raises:
    TflmPatchError: objdump fails.
  """
  timing = TIMINGS[core.name]
  code = disassemble(core.compiler.replace('gcc', 'objdump'), built.path)
  total, validate = Cycles(), 0
  operators: list[int] = []
  longest = 0
  for job, measured in zip(jobs, found):
    assert measured.trace is not None
    section: Callable[[int], Cycles] = functools.partial(
      cycles_of, measured.trace, code=code, timing=timing, flash=flash, without=built.harness
    )
    numbers = Sections(job.bands, header(job.program).n_ops)
    bands = [section(numbers.band(i)) for i in range(job.bands)]
    total = sum(bands, total)
    operators += [section(numbers.operator(i)).cycles for i in range(numbers.operators)]
    validate += section(VALIDATE).cycles
    if job.bands > 1:
      longest = max(band.cycles for band in bands)
  return ModelCycles(
    source=timing.source,
    wait_states=0 if flash is None else flash.wait_states,
    total=total,
    operators=tuple(operators),
    longest_band=longest or total.cycles,
    validate=validate,
  )
