# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The programs that measure a component, or a model compiled for inference, on a core."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tflm_patch.codegen.compiler import CompiledModel
from tflm_patch.graph.types import Tensor
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.plan import Part
from tflm_patch.on_device.scheme import Loss

# Parts of a step, which are sections of the trace, too: 0 is what is not counted.
FORWARD, LOSS, FIRST_BACKWARD = 1, 2, 3
_BACKWARD = re.compile(r'^  (operator_\d+_backward\()', re.MULTILINE)


def watched(text: str, name: str) -> str:
  """The source of a component that tells which operator goes backward.

  Args:
    text: Of `name`.c.
    name: What its functions begin with.
  """
  begin = text.index('static void backward(')
  head, body, tail = text[:begin], text[begin:], ''
  end = body.index(f'tflm_patch_training_status {name}_learn(')
  body, tail = body[:end], body[end:]
  numbers = iter(range(FIRST_BACKWARD, FIRST_BACKWARD + text.count('\n')))
  body = _BACKWARD.sub(lambda found: f'  begin_part({next(numbers)}u);\n  {found[1]}', body)
  return f'static void begin_part(uint32_t part);\n{head}{body}{tail}'


def learning_program(component: TrainingComponent, count: int) -> str:
  """The program that learns `count` images, and counts the last one."""
  work, name = component.work, component.name
  main = work.network.model.main
  outputs = main.tensors[work.network.output].elements
  by_class = work.network.loss is Loss.CROSS_ENTROPY
  return _COMMON + _LEARNING.format(
    name=name,
    count=count,
    image_bytes=main.tensors[main.inputs[0]].bytes,
    run=_run(name, main.tensors[main.inputs[0]], component.bands),
    targets='' if by_class else f'static const float kTargets[{outputs}];',
    label=f'number % {outputs}' if by_class else 'kTargets',
    parameters=component.plan.offsets[Part.PARAMETERS, 0],
    parameter_bytes=work.parameters.bytes,
    parts=FIRST_BACKWARD + len(component.backward),
    forward=FORWARD,
    loss=LOSS,
  )


def inference_program(compiled: CompiledModel, inputs: Sequence[Tensor]) -> str:
  """The program that runs a compiled model once.

  Args:
    compiled: The model.
    inputs: Of a whole frame.
  """
  run = _run(compiled.name, inputs[0], compiled.bands)
  return _COMMON + _INFERENCE.format(name=compiled.name, run=run)


def _run(name: str, image: Tensor, bands: int) -> str:
  if bands == 1:
    return f'memcpy({name}_input(0), image, {image.bytes});\n  {name}_invoke();'
  return (
    f'for (uint32_t band = 0; band < {bands}; ++band) {{\n'
    f'    (void){name}_feed(image + band * {image.bytes // bands});\n  }}'
  )


_COMMON = """\
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "marks.h"

static void print_number(const char* name, uint64_t value) {
  char text[20];
  uint32_t at = sizeof(text) - 1;
  text[at] = '\\0';
  text[--at] = '\\n';
  do {
    text[--at] = "0123456789abcdef"[value & 15u];
    value >>= 4;
  } while (value != 0);
  text[--at] = ' ';
  board_print(name);
  board_print(text + at);
}
"""

_INFERENCE = """
#include "{name}.c"

int main(void) {{
  const int8_t* image = (const int8_t*)board_job;
  board_mark(kMarkOutside);
  board_clock_start();
  const uint64_t start = board_ticks();
  {run}
  const uint64_t ticks = board_ticks() - start;
  board_clock_stop();
  print_number("inference", ticks);
  board_print("end\\n");
  board_exit(0);
}}
"""

_LEARNING = """
#include "{name}.c"

enum {{ kParts = {parts}, kPaint = 0xA5, kSlack = 128, kLineBytes = 32 }};

{targets}

static uint64_t g_ticks[kParts];
static uint64_t g_begin;
static uint32_t g_part;
static uint32_t g_is_watched;

static void begin_part(uint32_t part) {{
  if (g_is_watched) {{
    const uint64_t now = board_ticks();
    g_ticks[g_part] += now - g_begin;
    g_part = part;
    board_mark(part);
    g_begin = board_ticks();
  }}
}}

static void print_parameters(void) {{
  for (uint32_t at = 0; at < {parameter_bytes}; at += kLineBytes) {{
    char text[2 * kLineBytes + 2];
    uint32_t end = 0;
    for (uint32_t i = at; i < at + kLineBytes && i < {parameter_bytes}; ++i) {{
      const uint8_t byte = (uint8_t)workspace[{parameters} + i];
      text[end++] = "0123456789abcdef"[byte >> 4];
      text[end++] = "0123456789abcdef"[byte & 15u];
    }}
    text[end++] = '\\n';
    text[end] = '\\0';
    board_print("parameters ");
    board_print(text);
  }}
}}

static uint64_t g_forward;
static uint64_t g_learning;

static __attribute__((noinline)) uint32_t learn(uint32_t number) {{
  const int8_t* image = (const int8_t*)board_job + number * {image_bytes};
  begin_part({forward});
  const uint64_t start = board_ticks();
  {run}
  const uint64_t between = board_ticks();
  begin_part({loss});
  const uint32_t status = (uint32_t){name}_learn({label});
  g_forward = between - start;
  g_learning = board_ticks() - between;
  begin_part(kMarkOutside);
  return status;
}}

int main(void) {{
  uint32_t status = 0;
  board_clock_start();
  {name}_init();
  for (uint32_t number = 0; number < {count} && status == 0; ++number) {{
    status = learn(number);
  }}
  const float loss = {name}_loss();
  uint32_t bits;
  memcpy(&bits, &loss, sizeof(bits));
  print_number("status", status);
  print_number("forward", g_forward);
  print_number("learning", g_learning);
  print_number("loss", bits);
  print_number("memory", sizeof(workspace));
  print_parameters();
  g_is_watched = 1;
  (void)learn(0);
  g_is_watched = 0;
  board_clock_stop();
  for (uint32_t part = 1; part < kParts; ++part) {{
    print_number("part", g_ticks[part]);
  }}
  uint8_t* const top = board_stack_pointer();
  for (volatile uint8_t* at = board_stack_limit; at < top - kSlack; ++at) {{
    *at = kPaint;
  }}
  (void)learn(0);
  const volatile uint8_t* lowest = board_stack_limit;
  while (lowest < top && *lowest == kPaint) {{
    ++lowest;
  }}
  print_number("stack", (uint64_t)(top - lowest));
  board_print("end\\n");
  board_exit(0);
}}
"""
