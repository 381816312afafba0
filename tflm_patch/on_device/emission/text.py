# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The text of a component that learns: its source and its header."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.codegen import c_text, loops, source
from tflm_patch.codegen.functions import StageFunctions
from tflm_patch.codegen.source import FileNames
from tflm_patch.graph.quantize import scale_of, zero_point_of
from tflm_patch.on_device.emission.places import Layout
from tflm_patch.on_device.operators.base import c_float
from tflm_patch.on_device.options import Arithmetic
from tflm_patch.on_device.plan import Part, TrainingPlan, Work
from tflm_patch.on_device.scheme import Loss
from tflm_patch.program import records as program

_GOLDEN = 0x9E3779B9  # 2^32 / golden ratio: seeds that follow each other are far apart


@dataclasses.dataclass(frozen=True, eq=False)
class Pieces:
  """What the text of a component is put together from.

  Attributes:
    names: What things are called.
    training: The header of training, as it is included.
    work: What is computed.
    plan: Where everything lies.
    layout: The same for C.
    frozen: Functions of the frozen stages.
    constants, functions: Lines that define arrays and functions.
    forward, backward: Statements, from the first trained operator on and back.
    image: The name of the array of the parameters' first values.
    identity: Of the model and the scheme.
    samples: Of an update.
    seed: Of the stochastic rounding.
    rate: The learning rate to begin with.
  """

  names: FileNames
  training: str
  work: Work
  plan: TrainingPlan
  layout: Layout
  frozen: tuple[StageFunctions, ...]
  constants: tuple[str, ...]
  functions: tuple[str, ...]
  forward: tuple[str, ...]
  backward: tuple[str, ...]
  image: str
  identity: int
  samples: int
  seed: int
  rate: float

  @property
  def is_fed(self) -> bool:
    """Whether the input comes in bands."""
    return any(len(stage.chunks) > 1 for stage in self.frozen)

  @property
  def bands(self) -> int:
    """Of a frame."""
    return sum(len(stage.chunks) - 1 for stage in self.frozen) + 1

  @property
  def outputs(self) -> int:
    """Values that the loss is of."""
    return self.work.network.model.main.tensors[self.work.network.output].elements

  @property
  def by_class(self) -> bool:
    """Whether a sample's label is the number of a class."""
    return self.work.network.loss is Loss.CROSS_ENTROPY

  @property
  def label_type(self) -> str:
    """What is learned from, in C."""
    return 'uint32_t label' if self.by_class else 'const float* targets'


def source_text(p: Pieces) -> str:
  """The text of model.c."""
  lines = [
    *source.preamble(p.names),
    f'#include "{p.names.header}"',
    '',
    '#include <stddef.h>',
    '#include <string.h>',
    '',
    f'#include "{p.names.kernels}"',
    '',
    f'#if TFLM_PATCH_VERSION != {program.VERSION}',
    '#error "these kernels are of another version than the generator of this file"',
    '#endif',
    '',
    '#if !TFLM_PATCH_HAS_EXACT_FLOATS',
    '#error "training needs exact floats: no -ffast-math, and -mfpmath=sse on 32-bit x86"',
    '#endif',
    '',
    '/* Activations, gradients, what is trained, and the state of the training. */',
    f'{_section(p.names)}static _Alignas({program.ALIGNMENT}) int8_t workspace[{p.plan.bytes}];',
    '',
    *p.constants,
    *p.functions,
    'static tflm_patch_training_state* training(void) {',
    f'  return {p.layout.pointer("tflm_patch_training_state", (Part.CONTROL, 0))};',
    '}',
    '',
    *_forward(p),
    *_backward(p),
    *_learn(p),
    *_entries(p),
    *_deltas(p),
  ]
  return '\n'.join(lines).rstrip('\n') + '\n'


def _section(names: FileNames) -> str:
  return '' if names.section is None else f'__attribute__((section("{names.section}"))) '


def _forward(p: Pieces) -> list[str]:
  """The function from the first trained operator on, and what runs all."""
  name, frozen = p.names.prefix, p.frozen
  rest = [
    '/* From the first trained operator on. */',
    'static void forward(void) {',
    *c_text.indented(p.forward),
    '  training()->is_computed = 1;',
    '}',
    '',
  ]
  if p.is_fed:
    names = dataclasses.replace(p.names, prefix='frozen')
    made = source.feed(names, p.work.frozen.model, p.layout.frozen(), frozen[0])
    made = ['#define next_band (training()->band)', f'static {made[0]}', *made[1:]]
    return [
      *rest,
      *made,
      f'int {name}_feed(const void* band) {{',
      '  training()->is_computed = 0;',
      '  if (!frozen_feed(band)) {',
      '    return 0;',
      '  }',
      '  forward();',
      '  return 1;',
      '}',
      '',
    ]
  lines = []
  for stage in frozen:
    lines += source.statements(stage, loops.compress(stage.chunks[0]))
  return [*rest, f'void {name}_invoke(void) {{', *c_text.indented([*lines, 'forward();']), '}', '']


def _backward(p: Pieces) -> list[str]:
  uses = any('update' in line for line in p.backward)
  return [
    '/* Back to the first trained operator. */',
    'static void backward(const tflm_patch_update* update) {',
    *([] if uses else ['  (void)update;']),
    *c_text.indented(p.backward),
    '}',
    '',
  ]


def _learn(p: Pieces) -> list[str]:
  """The function that learns from what was computed."""
  name, output = p.names.prefix, p.work.network.output
  tensor = p.work.network.model.main.tensors[output]
  function = 'tflm_patch_cross_entropy' if p.by_class else 'tflm_patch_squared_error'
  call = c_text.call(
    f'const float loss = {function}',
    *(f'workspace + {p.layout.tensor(output)}', p.outputs, c_float(scale_of(tensor))),
    *(zero_point_of(tensor), 'label' if p.by_class else 'targets'),
    p.layout.pointer('float', (Part.GRADIENT, output)),
  )
  check = [f'  if (label >= {p.outputs}) {{', '    return TFLM_PATCH_TRAINING_BAD_LABEL;', '  }']
  offset = p.seed * _GOLDEN % (1 << 32)
  return [
    f'tflm_patch_training_status {name}_learn({p.label_type}) {{',
    '  tflm_patch_training_state* state = training();',
    '  if (!state->is_computed) {',
    '    return TFLM_PATCH_TRAINING_NO_FORWARD;',
    '  }',
    *(check if p.by_class else []),
    *c_text.indented([call]),
    '  state->is_computed = 0;',
    '  if (loss - loss != 0.0f) {',
    '    return TFLM_PATCH_TRAINING_BAD_LOSS;',
    '  }',
    *_as_integers(p),
    '  state->loss = loss;',
    f'  const uint32_t is_last = ++state->samples >= {p.samples};',
    '  const tflm_patch_update update = {',
    f'      state->rate / {p.samples}.0f, state->counter + {offset}u, is_last}};',
    '  backward(&update);',
    '  if (is_last) {',
    '    state->samples = 0;',
    f'    state->counter += {p.work.parameters.count};',
    '  }',
    '  return TFLM_PATCH_TRAINING_OK;',
    '}',
    '',
  ]


def _as_integers(p: Pieces) -> list[str]:
  """The gradient of the loss as integers, where these are what gradients are of."""
  if p.work.arithmetic is Arithmetic.FLOAT32:
    return []
  output = p.work.network.output
  call = c_text.call(
    'tflm_patch_integer_from_floats',
    p.layout.pointer('void', (Part.GRADIENT, output)),
    p.outputs,
    p.layout.exponent(output),
  )
  return c_text.indented([call])


def _entries(p: Pieces) -> list[str]:
  """The other functions that the header declares."""
  name, main = p.names.prefix, p.work.network.model.main
  parameters = p.layout.pointer('int8_t', (Part.PARAMETERS, 0))
  frame = main.tensors[main.inputs[0]].bytes
  argument = 'label' if p.by_class else 'targets'
  check = [f'  if (label >= {p.outputs}) {{', '    return TFLM_PATCH_TRAINING_BAD_LABEL;', '  }']
  if p.is_fed:
    run = [
      '  training()->band = 0;',
      f'  for (uint32_t band = 0; band < {p.bands}; ++band) {{',
      f'    (void){name}_feed((const int8_t*)input + band * {frame // p.bands});',
      '  }',
    ]
  else:
    at = f'workspace + {p.layout.tensor(main.inputs[0])}'
    run = [
      f'  if (input != {at}) {{',
      f'    memcpy({at}, input, {frame});',
      '  }',
      f'  {name}_invoke();',
    ]
  return [
    f'tflm_patch_training_status {name}_train_step(const void* input, {p.label_type}) {{',
    *(check if p.by_class else []),
    *run,
    f'  return {name}_learn({argument});',
    '}',
    '',
    f'float {name}_loss(void) {{ return training()->loss; }}',
    '',
    f'tflm_patch_training_status {name}_set_learning_rate(float rate) {{',
    '  if (!(rate >= 0.0f && rate - rate == 0.0f)) {',
    '    return TFLM_PATCH_TRAINING_BAD_RATE;',
    '  }',
    '  training()->rate = rate;',
    '  return TFLM_PATCH_TRAINING_OK;',
    '}',
    '',
    *([f'void {name}_reset(void) {{', '  training()->band = 0;', '}', ''] if p.is_fed else []),
    f'void {name}_init(void) {{',
    '  memset(workspace, 0, sizeof(workspace));',
    f'  memcpy({parameters}, {p.image}, sizeof({p.image}));',
    f'  training()->rate = {c_float(p.rate)};',
    '}',
    '',
    *source.getter('void*', f'{name}_input', [p.layout.tensor(i) for i in main.inputs]),
    *source.getter('const void*', f'{name}_output', [p.layout.tensor(i) for i in main.outputs]),
  ]


def _deltas(p: Pieces) -> list[str]:
  name, size = p.names.prefix, p.work.parameters.bytes
  parameters = p.layout.pointer('int8_t', (Part.PARAMETERS, 0))
  lines = []
  for what in ('save', 'load'):
    lines += [
      f'tflm_patch_training_status {name}_{what}_delta(const tflm_patch_flash* flash) {{',
      f'  return tflm_patch_{what}_delta(flash, {p.identity}u, {parameters}, {size}, training());',
      '}',
      '',
    ]
  return lines


def header_text(p: Pieces) -> str:
  """The text of model.h."""
  name, macro, main = p.names.prefix, p.names.prefix.upper(), p.work.network.model.main
  band = p.work.frozen.model.main if p.is_fed else main
  lines = [
    *source.preamble(p.names),
    f'#ifndef {macro}_H_',
    f'#define {macro}_H_',
    '',
    '#include <stdint.h>',
    '',
    f'#include "{p.training}"',
    '',
    f'#define {macro}_WORKSPACE_BYTES {p.plan.bytes} /* all memory, trained parameters too */',
    f'#define {macro}_PARAMETERS {p.work.parameters.count} /* weights and biases */',
    f'#define {macro}_PARAMETER_BYTES {p.work.parameters.bytes}',
    f'#define {macro}_DELTA_BYTES TFLM_PATCH_DELTA_BYTES({macro}_PARAMETER_BYTES)',
    f'#define {macro}_CLASSES {p.outputs}'
    if p.by_class
    else f'#define {macro}_TARGETS {p.outputs}',
    f'#define {macro}_SAMPLES {p.samples} /* of an update */',
  ]
  if p.is_fed:
    lines.append(f'#define {macro}_BANDS {p.bands} /* of a frame; input 0 is one band */')
  for what, indices, graph in (('INPUT', band.inputs, band), ('OUTPUT', main.outputs, main)):
    for number, i in enumerate(indices):
      lines += [
        '',
        *source.tensor_macros(f'{macro}_{what}_{number}', what, number, graph.tensors[i]),
      ]
  lines += ['', '#ifdef __cplusplus', 'extern "C" {', '#endif', '']
  lines += [*_declarations(p, name), '', '#ifdef __cplusplus', '}', '#endif', '']
  return '\n'.join([*lines, f'#endif /* {macro}_H_ */', ''])


def _declarations(p: Pieces, name: str) -> Sequence[str]:
  status = 'tflm_patch_training_status'
  label = 'the number of its class' if p.by_class else 'what its output should be'
  if p.is_fed:
    run = [
      '/* Takes the next band of the frame, from anywhere or written to',
      f' * {name}_input(0). Returns 1 when the frame is complete and the outputs',
      ' * are there, else 0; the next band then begins a new frame. */',
      f'int {name}_feed(const void* band);',
      '',
      '/* Gives up a frame: the next band is the first. */',
      f'void {name}_reset(void);',
    ]
  else:
    run = [
      '/* Runs the model. It may write over its inputs: fill them before every call. */',
      f'void {name}_invoke(void);',
    ]
  return [
    '/* Once, before anything else: the weights are those of the model. */',
    f'void {name}_init(void);',
    '',
    *run,
    '',
    '/* Learns from the sample that the model was run on last, once; the outputs are lost.',
    f' * Takes {label}. On an error the weights are as they were. */',
    f'{status} {name}_learn({p.label_type});',
    '',
    '/* Runs the model on a sample, and learns from it. */',
    f'{status} {name}_train_step(const void* input, {p.label_type});',
    '',
    '/* Of the last sample that was learned from. */',
    f'float {name}_loss(void);',
    '',
    f'{status} {name}_set_learning_rate(float rate);',
    '',
    '/* What was learned, into the flash and back; power may fail at any moment. */',
    f'{status} {name}_save_delta(const tflm_patch_flash* flash);',
    f'{status} {name}_load_delta(const tflm_patch_flash* flash);',
    '',
    '/* The data of an input or output, 16-byte aligned; NULL where there is none. */',
    f'void* {name}_input(uint32_t index);',
    f'const void* {name}_output(uint32_t index);',
  ]
