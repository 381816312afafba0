# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`tflm-patch bench --train`: a training step beside an inference, on an emulated core."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from tflm_patch.bench import cpus, image
from tflm_patch.bench.timing import Flash
from tflm_patch.graph.reader import read_model
from tflm_patch.on_device import scheme_file
from tflm_patch.on_device.component import ComponentOptions, make_component
from tflm_patch.on_device.measure import StepCost, measure_inference, measure_step, random_images
from tflm_patch.on_device.memory import TrainingMemory, TrainingPlanner

SCHEMA_VERSION = 1
_IMAGES = 2  # the second one meets weights that have learned
Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class StepBench:
  """A training step, measured.

  Attributes:
    cost: Of the step.
    inference: Instructions of the model compiled for inference alone.
    memory: As planned.
    constants: Bytes of flash.
  """

  cost: StepCost
  inference: float
  memory: TrainingMemory
  constants: int

  @property
  def ratio(self) -> float:
    """Instructions of a step by those of an inference."""
    return self.cost.step / self.inference

  @property
  def is_as_planned(self) -> bool:
    """Whether the linked memory is the planned one."""
    return self.cost.memory == self.memory.total

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      **self.cost.to_json(),
      'instructions_inference': round(self.inference),
      'ratio': round(self.ratio, 4),
      'memory_planned': self.memory.total,
      'memory_over_inference': self.memory.over_inference,
      'parameters': self.memory.parameters,
      'constants_bytes': self.constants,
    }


def bench_step(
  model: str | os.PathLike[str],
  scheme: str | os.PathLike[str],
  cpu: str,
  optimization: str = '-O2',
  flash: Flash | None = None,
  progress: Progress = lambda text: None,
) -> StepBench:
  """Measures a training step of a model.

  Args:
    model: The `.tflite` file, not converted: what `adapt` wrote.
    scheme: The scheme.json beside it.
    cpu: Name of the core, see `bench.cpus`.
    optimization: The compiler's flag, one of `bench.image.OPTIMIZATIONS`.
    flash: What code and constants lie in, for the cycles; None for memory that does not wait.
    progress: Gets lines of text.

  Raises:
    EnvironmentMissing: compiler or emulator is not installed.
    TflmPatchError: a file is not what it should be, the scheme does not fit the model, or the
      compiler or the emulator fails.
  """
  core = cpus.find(cpu)
  image.require_tools(core)
  chosen, training = scheme_file.read(scheme)
  read = read_model(model)
  progress('Planning')
  planner = TrainingPlanner(read, training)
  component = make_component(read, chosen, ComponentOptions(training=training), planner)
  progress(f'Training on {core.name}')
  images = random_images(component, _IMAGES * training.samples)
  cost = measure_step(component, images, cpu, optimization, flash)
  progress('Running an inference')
  inference = measure_inference(read, cpu, training, optimization)
  return StepBench(cost, inference, planner.memory(chosen), component.constants_bytes)
