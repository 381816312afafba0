# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The memory that a training step needs, to the byte: `training_memory`.

Exact from the first version on: the component that `component.make_component` writes has one
array of so many bytes, and keeps nothing else. Ask one `TrainingPlanner` about many schemes
of a model: it remembers frozen parts; `lower_bound` is a figure that comes sooner and is
hardly ever below the exact one.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch.codegen import memory as codegen_memory
from tflm_patch.codegen.compiler import stages_of
from tflm_patch.conversion import pipeline
from tflm_patch.graph.types import Model
from tflm_patch.on_device import network as networks
from tflm_patch.on_device import plan as plans
from tflm_patch.on_device.backward_graph import backward_steps, grouped
from tflm_patch.on_device.forward import ForwardStage, Frozen, convert_frozen, regions, stage_of
from tflm_patch.on_device.instructions import (
  DEFAULT_CPU,
  StepInstructions,
  instructions_of,
  predict,
)
from tflm_patch.on_device.network import Network
from tflm_patch.on_device.options import DEFAULT_TRAINING, TrainingOptions
from tflm_patch.on_device.parameters import parameters_of
from tflm_patch.on_device.plan import PERSISTENT, Part, TrainingPlan, Work
from tflm_patch.on_device.scheme import Scheme


@dataclasses.dataclass(frozen=True)
class MemoryPart:
  """What some memory is for.

  Attributes:
    name: In a few words.
    at_peak: Bytes in the step that needs the most.
    persistent: Whether it is needed between training steps, too.
  """

  name: str
  at_peak: int
  persistent: bool


@dataclasses.dataclass(frozen=True)
class StepMemory:
  """A step of a training step.

  Attributes:
    name: What it does.
    live: Bytes that are needed at once.
  """

  name: str
  live: int


@dataclasses.dataclass(frozen=True)
class TrainingMemory:
  """Memory of a training step.

  Attributes:
    total: Bytes in all: image, forward and backward pass, trained parameters, sums of
      gradients, state.
    inference: Bytes of the workspace of the same model, compiled for inference alone.
    parts: What the memory is for.
    steps: Over time.
    parameters: How many weights and biases are trained.
    momentum: Bytes more that gradient descent with momentum would take: a float for each of
      them, which outlasts the step.
  """

  total: int
  inference: int
  parts: tuple[MemoryPart, ...]
  steps: tuple[StepMemory, ...]
  parameters: int
  momentum: int

  @property
  def over_inference(self) -> int:
    """Bytes that training needs beside those of an inference."""
    return self.total - self.inference

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {
      'total': self.total,
      'inference': self.inference,
      'over_inference': self.over_inference,
      'parameters': self.parameters,
      'momentum': self.momentum,
      'parts': [dataclasses.asdict(part) for part in self.parts],
      'steps': [dataclasses.asdict(step) for step in self.steps],
    }


class TrainingPlanner:
  """Plans training steps of one model.

  Args:
    model: Not converted.
    options: How it is trained.

  Raises:
    TflmPatchError: the model is converted already, or cannot be compiled.
  """

  def __init__(self, model: Model, options: TrainingOptions = DEFAULT_TRAINING) -> None:
    self._model = model
    self.options = options
    self._rewritten = networks.rewrite(model)
    self._frozen: dict[int, Frozen] = {}
    self._forward: dict[tuple[int, ...], ForwardStage] = {}
    self._inference: tuple[ForwardStage, ...] | None = None
    self._inference_bytes = 0

  @property
  def rewritten(self) -> Model:
    """The model after rewrites that change no byte."""
    return self._rewritten

  def network(self, scheme: Scheme) -> Network:
    """The model with what a scheme trains of it; see `network.cut`."""
    return networks.cut(self._model, self._rewritten, scheme)

  def work(self, scheme: Scheme) -> Work:
    """What a training step computes.

    Raises:
      TflmPatchError: the scheme does not fit the model, or a gradient cannot pass an operator.
    """
    network = self.network(scheme)
    backward = backward_steps(network, self.options.quantization_aware)
    networks.check_forward(network)
    if network.first not in self._frozen:
      self._frozen[network.first] = convert_frozen(network, self.options)
    parts = regions(network)
    for indices in parts:
      if indices not in self._forward:
        self._forward[indices] = stage_of(network, indices)
    return self._within(
      Work(
        network=network,
        frozen=self._frozen[network.first],
        forward=tuple(self._forward[indices] for indices in parts),
        backward=backward,
        groups=grouped(backward),
        parameters=parameters_of(network, self.options.quantization_aware),
        keeps_sums=self.options.samples > 1,
        arithmetic=self.options.arithmetic,
      )
    )

  def _within(self, work: Work) -> Work:
    """A step that computes clamps again where it would take more memory than it should.

    Blocks that keep the most come first; a step that nothing helps keeps all.
    """
    limit = self.options.memory
    if limit is None or plans.lower_bound(plans.buffers_of(work)) <= limit:
      return work
    least = plans.lower_bound(plans.buffers_of(work))
    for group in sorted(work.recomputable(), key=lambda group: -plans.kept_bytes(group)):
      indices = {step.index for step in group[1:]}
      changed = dataclasses.replace(work, recomputed=work.recomputed | indices)
      needed = plans.lower_bound(plans.buffers_of(changed))
      if needed < least:
        work, least = changed, needed
      if least <= limit:
        break
    return work

  def plan(self, scheme: Scheme) -> TrainingPlan:
    """Buffers and their places; raises as `work`."""
    return plans.place(self.work(scheme))

  def lower_bound(self, scheme: Scheme) -> int:
    """Bytes that the total cannot be below; raises as `work`."""
    return plans.lower_bound(plans.buffers_of(self.work(scheme)))

  def memory(self, scheme: Scheme) -> TrainingMemory:
    """The memory of a training step; raises as `work`."""
    work = self.work(scheme)
    plan = plans.place(work)
    live = [sum(plan.live(step).values()) for step in range(len(plan.steps))]
    return TrainingMemory(
      total=plan.bytes,
      inference=self.inference_bytes(),
      parts=_parts(plan, live.index(max(live))),
      steps=tuple(StepMemory(name, size) for name, size in zip(plan.steps, live)),
      parameters=work.parameters.count,
      momentum=plans.aligned(work.parameters.sums_bytes),
    )

  def inference_bytes(self) -> int:
    """Of the workspace of the model compiled for inference."""
    self._for_inference()
    return self._inference_bytes

  def instructions(self, scheme: Scheme, cpu: str = DEFAULT_CPU) -> StepInstructions:
    """What a training step takes on a core, predicted; raises as `work`.

    Raises:
      TflmPatchError: no costs of training are known for the core.
    """
    inference = instructions_of(self._for_inference(), cpu)
    return predict(self.work(scheme), inference, cpu)

  def _for_inference(self) -> tuple[ForwardStage, ...]:
    """The stages of the model compiled for inference."""
    if self._inference is None:
      convert = dataclasses.replace(
        self.options.convert, force_stage=True, input_rows=self.options.input_rows
      )
      converted = pipeline.plan(self._model, convert).model
      found = stages_of(converted.main, self._model.source or 'model')
      self._inference = tuple(ForwardStage(stage, operator) for stage, operator in found)
      self._inference_bytes = codegen_memory.place(
        converted.main,
        [operator for _, operator in found],
        [stage.workspace_bytes for stage, _ in found],
        [stage.state_bytes for stage, _ in found],
      ).bytes
    return self._inference


def training_memory(
  model: Model, scheme: Scheme, options: TrainingOptions = DEFAULT_TRAINING
) -> TrainingMemory:
  """The memory of a training step of a model.

  Args:
    model: Not converted.
    scheme: What is trained.
    options: How.

  Raises:
    TflmPatchError: the scheme does not fit the model; an operator cannot be computed, or no
      gradient can pass it; says which and why.
  """
  return TrainingPlanner(model, options).memory(scheme)


def _parts(plan: TrainingPlan, peak: int) -> tuple[MemoryPart, ...]:
  sizes = dict.fromkeys(Part, 0)
  for (part, _), size in plan.live(peak).items():
    sizes[part] += size
  return tuple(
    MemoryPart(part.value, size, part in PERSISTENT) for part, size in sizes.items() if size
  )
