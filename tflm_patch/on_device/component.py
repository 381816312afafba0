# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A model that learns on the chip, as C: `make_component`."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Mapping

from tflm_patch.codegen import c_text, standalone
from tflm_patch.codegen.compiler import FAST_SECTION, identifier
from tflm_patch.codegen.functions import StageFunctions
from tflm_patch.codegen.source import FileNames
from tflm_patch.errors import printable
from tflm_patch.graph.types import Model
from tflm_patch.kernel_library import trimming
from tflm_patch.on_device import plan as plans
from tflm_patch.on_device.backward_graph import Group
from tflm_patch.on_device.emission import text
from tflm_patch.on_device.emission.forward import ForwardEmission, array_name
from tflm_patch.on_device.emission.places import Arrays, Layout, StepPlaces
from tflm_patch.on_device.memory import TrainingPlanner
from tflm_patch.on_device.operators import block
from tflm_patch.on_device.options import DEFAULT_TRAINING, Arithmetic, TrainingOptions
from tflm_patch.on_device.plan import TrainingPlan, Work
from tflm_patch.on_device.scheme import Scheme

KERNELS_HEADER, TRAINING_HEADER = 'tflm_patch/kernels.h', 'tflm_patch/training.h'
INTEGER_HEADER = 'tflm_patch/training_integer.h'
_KERNEL = re.compile(r'\btflm_patch_\w+(?=\()', re.ASCII)
# Called by firmware alone: a status as text.
_STATUS_TEXT = 'tflm_patch_training_status_text'


@dataclasses.dataclass(frozen=True)
class ComponentOptions:
  """How the C of a model that learns is made.

  Attributes:
    name: What the functions' names begin with.
    section: Of the workspace, as in '.noinit'.
    standalone: Write the needed kernel sources, too.
    learning_rate: To begin with.
    training: How it learns.
  """

  name: str = 'model'
  section: str | None = None
  standalone: bool = False
  learning_rate: float = 0.01
  training: TrainingOptions = DEFAULT_TRAINING


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingComponent:
  """A model that learns, as C.

  Attributes:
    name: What the functions' names begin with.
    files: Text by file name.
    work: What a training step computes.
    plan: Its memory; `plan.bytes` is all that the C has, but for its stack.
    constants_bytes: In flash.
    bands: Of a frame; 1 for models that take it whole.
    kernels: What is called.
    backward: The operators that go backward, a call each.
  """

  name: str
  files: dict[str, str]
  work: Work
  plan: TrainingPlan
  constants_bytes: int
  bands: int
  kernels: tuple[str, ...]
  backward: tuple[Group, ...]


def make_component(
  model: Model,
  scheme: Scheme,
  options: ComponentOptions = ComponentOptions(),
  planner: TrainingPlanner | None = None,
) -> TrainingComponent:
  """Makes C of a model and of what it learns.

  Args:
    model: Not converted.
    scheme: What is trained.
    options: See `ComponentOptions`.
    planner: Of the same model and `options.training`; one that has planned it is faster.

  Raises:
    TflmPatchError: the scheme does not fit the model; an operator cannot be computed, or no
      gradient can pass it; says which and why.
  """
  planner = planner or TrainingPlanner(model, options.training)
  work = planner.work(scheme)
  plan = plans.place(work)
  layout = Layout(work, plan)
  memory = layout.frozen()
  frozen, first_op = [], 0
  for number, stage in enumerate(work.frozen.stages):
    frozen.append(StageFunctions(stage.stage, stage.operator, memory, number, first_op))
    first_op += len(stage.stage.ops)
  pieces, backward = _pieces(model, options, work, plan, tuple(frozen), first_op)
  source = text.source_text(pieces)
  kernels = tuple(sorted({*_KERNEL.findall(source), _STATUS_TEXT}))
  files = {f'{options.name}.c': source, f'{options.name}.h': text.header_text(pieces)}
  if options.standalone:
    stages = [stage.stage for stage in (*work.frozen.stages, *work.forward)]
    files = {**standalone.sources(kernels, trimming.left_out(stages)), **files}
  return TrainingComponent(
    name=options.name,
    files=files,
    work=work,
    plan=plan,
    constants_bytes=_constants_bytes(pieces),
    bands=pieces.bands,
    kernels=kernels,
    backward=backward,
  )


def _pieces(
  model: Model,
  options: ComponentOptions,
  work: Work,
  plan: TrainingPlan,
  frozen: tuple[StageFunctions, ...],
  first_op: int,
) -> tuple[text.Pieces, tuple[Group, ...]]:
  """The pieces of the text, and the operators of each call backward."""
  layout, arrays = Layout(work, plan), Arrays()
  image = arrays.name(work.parameters.initial().view('i1'), 'initial_parameters', 16)
  emission = ForwardEmission(work, layout, arrays, first_op)
  codes = [emission.operator(number, stage) for number, stage in enumerate(work.forward)]
  weights = {index: name for code in codes for index, name in code.weights.items()}
  backward, calls, called = [], [], []
  for group in work.groups:
    made = _backward(group, work, layout, arrays, weights)
    if made is not None:
      backward += made[0]
      calls.append(made[1])
      called.append(group)
  constants = [line for stage in frozen for line in stage.constants.define()]
  constants += [line for code in codes for line in code.constants]
  constants += arrays.define()
  functions = [line for stage in frozen for line in stage.define()]
  functions += [line for code in codes for line in code.functions]
  functions += backward
  is_integer = work.arithmetic is Arithmetic.INTEGER
  header = KERNELS_HEADER, INTEGER_HEADER if is_integer else TRAINING_HEADER
  kernels, training = (
    (standalone.flat_name(each) for each in header) if options.standalone else header
  )
  pieces = text.Pieces(
    names=FileNames(
      options.name,
      f'{options.name}.h',
      kernels,
      options.section,
      FAST_SECTION,
      printable(identifier(model.source)) if model.source else 'a model',
    ),
    training=training,
    work=work,
    plan=plan,
    layout=layout,
    frozen=frozen,
    constants=tuple(constants),
    functions=tuple(functions),
    forward=tuple(call for code in codes for call in code.calls),
    backward=tuple(calls),
    image=image,
    identity=_identity(work),
    samples=options.training.samples,
    seed=options.training.seed,
    rate=options.learning_rate,
  )
  return pieces, tuple(called)


def _backward(
  group: Group, work: Work, layout: Layout, arrays: Arrays, weights: Mapping[int, str]
) -> tuple[list[str], str] | None:
  """The function of operators that go backward as one, and its call; None without statements."""
  is_integer = work.arithmetic is Arithmetic.INTEGER
  parts = ('',) if len(group) == 1 else ('project_', 'depthwise_', 'expand_')[: len(group)]
  places = [
    StepPlaces(
      layout,
      step,
      array_name(step.index),
      arrays,
      work.parameters.layers.get(step.index),
      weights[step.index],
      part,
      'int32_t' if is_integer else 'float',
    )
    for step, part in zip(group, parts)
  ]
  if len(group) == 1:
    operator = group[0].operator
    emit = operator.emit_integer if is_integer else operator.emit
    lines = emit(group[0].wanted, places[0])
  else:
    recomputes = group[-1].index in work.recomputed
    lines = (block.emit_integer if is_integer else block.emit)(group, places, recomputes)
  if not lines:
    return None
  statics = [line for place in places for each in place.statics.values() for line in each]
  uses = any(re.search(r'\bupdate\b', line) for line in lines)
  name = f'{array_name(group[0].index)}_backward'
  parameter = 'const tflm_patch_update* update' if uses else 'void'
  function = [
    f'/* {", ".join(step.operator.view.name for step in group)} backward */',
    f'static void {name}({parameter}) {{',
    *c_text.indented([*statics, *lines]),
    '}',
    '',
  ]
  return function, f'{name}({"update" if uses else ""});'


def _identity(work: Work) -> int:
  """A number that deltas of other models, or of other schemes, do not have."""
  crc = 0
  for tensor in work.network.model.main.tensors:
    if tensor.data is not None:
      crc = zlib.crc32(tensor.data.tobytes(), crc)
  for update in work.network.updates.values():
    crc = zlib.crc32(repr(dataclasses.astuple(update)).encode(), crc)
  return crc


def _constants_bytes(pieces: text.Pieces) -> int:
  """In flash: the lengths of all arrays."""
  sizes = {'int8_t': 1, 'uint8_t': 1, 'uint16_t': 2, 'int16_t': 2}
  found = re.findall(
    r'^static _Alignas\(\d+\) const (\w+) \w+\[(\d+)\]', '\n'.join(pieces.constants), re.M
  )
  return sum(sizes.get(c_type, 4) * int(count) for c_type, count in found)
