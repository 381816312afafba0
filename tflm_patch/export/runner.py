# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The code that runs an exported model, and the example that calls it."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.codegen.model import ModelInfo, type_code
from tflm_patch.codegen.names import Names, fill
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Tensor

# Of the example's test pattern: byte i of an inference's input is i * 31 + 7.
PATTERN_STEP, PATTERN_START = 31, 7

_C_TYPES = {
  DType.INT8: 'signed char',
  DType.UINT8: 'unsigned char',
  DType.INT16: 'short',
  DType.INT32: 'int',
  DType.FLOAT32: 'float',
}
_TFLM_HEADERS = ('micro_interpreter', 'micro_mutable_op_resolver')
_VARIABLE_HEADERS = ('micro_allocator', 'micro_resource_variable')
PRINT_BY_PRINTF = {
  'text': 'static void print_text(const char* text) { printf("%s", text); }\n',
  'integer': 'static void print_integer(int value) { printf("%d", value); }\n',
  'real': 'static void print_real(float value) { printf("%.9g", (double)value); }\n',
}


def model_header(info: ModelInfo, names: Names) -> str:
  """The text of `<name>.h`."""
  sizes = []
  for what, tensors in (('INPUT', info.inputs), ('OUTPUT', info.outputs)):
    for i, tensor in enumerate(tensors):
      shape = ', '.join(map(str, tensor.shape))
      sizes.append(
        f'\n/* {tensor.dtype.name.lower()} [{shape}]{_quantization(tensor)} */\n'
        f'#define {names.upper}_{what}_{i}_BYTES {tensor.bytes}\n'
      )
  note, reset = f': {names.upper}_DONE or {names.upper}_FAILED', ''
  if info.hops is not None:
    sizes.append(
      '\n/* The input is the new rows of a window; so many calls fill the first. */\n'
      f'#define {names.upper}_HOPS {info.hops}\n'
    )
    note = (
      f' on the new rows of a window: {names.upper}_DONE when\n'
      f' * it is full, {names.upper}_WANTS_ROWS before that, {names.upper}_FAILED'
    )
  elif info.frame_rows is not None:
    sizes.append(
      '\n/* The frame comes in bands of rows, one for each inference call. */\n'
      f'#define {names.upper}_FRAME_ROWS {info.frame_rows}\n'
      f'#define {names.upper}_BAND_ROWS {info.band_rows}\n'
    )
    note = (
      f' on a band of the frame: {names.upper}_DONE after the last\n'
      f' * one, {names.upper}_WANTS_ROWS before that, {names.upper}_FAILED'
    )
  if info.can_reset:
    what = 'Gives a frame up: the next band is the first of another.'
    if info.frame_rows is None:
      what = 'Forgets what earlier calls left.'
    reset = f'\n/* {what} */\nvoid {names.lower}_reset(void);\n'
  return fill(
    'model.h',
    names,
    inputs=len(info.inputs),
    outputs=len(info.outputs),
    sizes=''.join(sizes),
    invoke_note=note,
    reset=reset,
  )


def direct_source(info: ModelInfo, names: Names) -> str:
  """The text of `<name>_direct.c`, for a model that is one stage."""
  stage = info.direct
  assert stage is not None
  tensors = [(f'input_{i}', tensor) for i, tensor in enumerate(info.inputs)]
  tensors += [(f'output_{i}', tensor) for i, tensor in enumerate(info.outputs)]
  sizes = {name: max(1, tensor.bytes) for name, tensor in tensors}
  if stage.workspace_bytes:
    sizes['workspace'] = stage.workspace_bytes
  if stage.program.state_bytes:
    sizes['state'] = stage.program.state_bytes
  fast = stage.program.fast_bytes
  prefix = f'{names.upper}_MEMORY static _Alignas(16) unsigned char'
  name, linkage = (f'{names.lower}_reset', '') if info.can_reset else ('start', 'static ')
  state, clear = 'NULL', ''
  if stage.program.state_bytes:
    state, clear = 'state', '  tflm_patch_reset_state(PROGRAM, state);\n'
  reset = (
    f'\n{linkage}void {name}(void) {{\n'
    f'  const tflm_patch_position first = {{0, 0, {state}, {"fast" if fast else "NULL"}, 0}};\n'
    f'  position = first;\n{clear}}}\n'
  )
  return fill(
    'direct.c',
    names,
    memory=f'{sum(sizes.values()):,}',
    program_at=stage.program_at,
    program_bytes=stage.program_bytes,
    constants_at=stage.constants_at,
    constants_bytes=stage.constants_bytes,
    arrays=''.join(f'{prefix} {name}[{size}];\n' for name, size in sizes.items())
    + _fast_array(names, fast),
    tensors=', '.join(name for name, _ in tensors),
    infos=', '.join(f'{{{tensor.bytes}, {type_code(tensor)}}}' for _, tensor in tensors),
    workspace='workspace' if stage.workspace_bytes else 'NULL',
    reset=reset,
    start=name,
  )


def _fast_array(names: Names, size: int) -> str:
  array = f'static _Alignas(16) unsigned char fast[{size}]'
  return fill('fast_memory', names, array=array) if size else ''


def tflm_source(info: ModelInfo, names: Names) -> str:
  """The text of `<name>_tflm.cc`."""
  reset = ''
  if info.can_reset:
    # Resetting cannot fail: it only calls the operators' own functions.
    reset = (
      f'\nvoid {names.lower}_reset(void) {{\n  static_cast<void>(g_interpreter->Reset());\n}}\n'
    )
  headers: tuple[str, ...] = _TFLM_HEADERS
  variables, memory = '', 'g_arena, sizeof(g_arena)'
  if info.variables:
    headers += _VARIABLE_HEADERS
    variables = fill('tflm_variables.cc', names, count=info.variables)
    memory = 'allocator, variables'
  includes = ''.join(f'#include "tensorflow/lite/micro/{header}.h"\n' for header in sorted(headers))
  array, hand_over = '', ''
  if info.fast_bytes:
    size = f'k{names.camel}FastBytes'
    array = fill('fast_memory', names, array=f'alignas(16) uint8_t g_fast_memory[{size}]')
    hand_over = '  tflm_patch::SetFastMemory(g_fast_memory, sizeof(g_fast_memory));\n'
  return fill(
    'tflm.cc',
    names,
    includes=includes,
    variables=variables,
    memory=memory,
    fast_memory=array,
    hand_over=hand_over,
    reset=reset,
  )


def example(
  info: ModelInfo,
  names: Names,
  entry: str,
  includes: Sequence[str] = ('<stdio.h>',),
  printing: dict[str, str] = PRINT_BY_PRINTF,
) -> str:
  """A program that runs one inference and prints the outputs; C that is C++, too.

  Args:
    info, names: The model.
    entry: The function that the platform calls; it calls `run_once()`.
    includes: Headers, with their brackets.
    printing: The functions that print, by what they print.
  """
  types = {tensor.dtype for tensor in info.outputs}
  used = ['text']
  used += ['integer'] if types - {DType.FLOAT32} else []
  used += ['real'] if DType.FLOAT32 in types else []
  return fill(
    'example',
    names,
    includes=''.join(f'#include {header}\n' for header in ('<stddef.h>', *includes)),
    print=''.join(printing[what] for what in used),
    fill=_fill(info),
    infer=_infer(info, names),
    outputs=''.join(_print_output(i, tensor, names) for i, tensor in enumerate(info.outputs)),
    entry=entry,
  )


def _fill(info: ModelInfo) -> str:
  if info.frame_rows is None:
    comment = "/* Put your sensor's values here. */"
  else:
    comment = "/* Put your camera's rows here; at counts the bytes of the frame before them. */"
  return (
    f'{comment}\n'
    'static void fill_input(void* input, size_t bytes, size_t at, int is_real) {\n'
    '  unsigned char* values = (unsigned char*)input;\n'
    '  size_t i;\n'
    '  for (i = 0; i < bytes; ++i) {\n'
    '    values[i] = is_real ? 0\n'
    f'                        : (unsigned char)((at + i) * {PATTERN_STEP}u + {PATTERN_START}u);\n'
    '  }\n'
    '}\n'
  )


def _infer(info: ModelInfo, names: Names) -> str:
  lower, upper = names.lower, names.upper
  calls = []
  for i, tensor in enumerate(info.inputs):
    at = (
      f'(size_t)row / {upper}_BAND_ROWS * {upper}_INPUT_0_BYTES'
      if (i == 0 and info.frame_rows is not None)
      else '0'
    )
    is_real = int(tensor.dtype == DType.FLOAT32)
    calls.append(f'fill_input({lower}_input({i}), {upper}_INPUT_{i}_BYTES, {at}, {is_real});')
  if info.hops is not None:
    return (
      '  do {\n' + ''.join(f'    {call}\n' for call in calls) + f'    status = {lower}_invoke();\n'
      f'  }} while (status == {upper}_WANTS_ROWS);\n'
    )
  if info.frame_rows is None:
    return ''.join(f'  {call}\n' for call in calls) + f'  status = {lower}_invoke();\n'
  return (
    f'  int row;\n  for (row = 0; row < {upper}_FRAME_ROWS; row += {upper}_BAND_ROWS) {{\n'
    + ''.join(f'    {call}\n' for call in calls)
    + f'    status = {lower}_invoke();\n'
    f'    if (status != {upper}_WANTS_ROWS) {{\n'
    '      break; /* the last band, or a failure */\n'
    '    }\n  }\n'
  )


def _print_output(index: int, tensor: Tensor, names: Names) -> str:
  c_type = _c_type(tensor)
  how = 'real' if tensor.dtype == DType.FLOAT32 else 'integer'
  return (
    '  {\n'
    f'    const {c_type}* values = (const {c_type}*){names.lower}_output({index});\n'
    '    size_t i;\n'
    f'    print_text("output {index}:");\n'
    f'    for (i = 0; i < {tensor.elements}; ++i) {{\n'
    '      print_text(" ");\n'
    f'      print_{how}(values[i]);\n'
    '    }\n'
    '    print_text("\\n");\n'
    '  }\n'
  )


def _c_type(tensor: Tensor) -> str:
  if tensor.dtype not in _C_TYPES:
    raise TflmPatchError(
      f'output "{tensor.name}" is {tensor.dtype.name.lower()}: the example cannot print it; '
      'convert a model with integer or float32 outputs'
    )
  return _C_TYPES[tensor.dtype]


def _quantization(tensor: Tensor) -> str:
  if tensor.quantization is None or not tensor.quantization.per_tensor:
    return ''
  quantization = tensor.quantization
  return f', value = {quantization.scale:.9g} * (q - {quantization.zero_point})'
