# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A model as C: `compile_model`."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

from tflm_patch import api
from tflm_patch.api import ConvertOptions
from tflm_patch.codegen import checks, memory, source, standalone
from tflm_patch.codegen.constant_arrays import StageError
from tflm_patch.codegen.functions import StageFunctions
from tflm_patch.conversion.stage_operator import is_stage
from tflm_patch.errors import ModelError, TflmPatchError, printable
from tflm_patch.graph.files import check_outputs, read_limited, write_atomically
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model, Operator, Subgraph
from tflm_patch.kernel_library import trimming as needed
from tflm_patch.program import records as program
from tflm_patch.program.decode import Stage, decode

SCHEMA_VERSION = 1
KERNELS_HEADER = 'tflm_patch/kernels.h'
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*', re.ASCII)
_SECTION = re.compile(r'[A-Za-z_.$][A-Za-z0-9_.$,]*', re.ASCII)
# Compilers see by its first part that it takes no flash.
FAST_SECTION = '.bss.tflm_patch_fast'
_KERNEL = re.compile(r'\btflm_patch_\w+(?=\()', re.ASCII)
# Thumb-2 bytes of an operator's function, of a view of a map in it, of a call of it, its
# loop included, and what every model has; fitted to what arm-none-eabi-gcc 12 -O2 makes.
_FUNCTION_BYTES, _VIEW_BYTES, _CALL_BYTES, _FIXED_BYTES = 33, 62, 25, 67


@dataclasses.dataclass(frozen=True)
class CompileOptions:
  """How C is made.

  Attributes:
    name: What the functions' names begin with; from the file's name without one.
    section: Of the workspace, as in '.noinit'.
    fast_section: Of the fast memory of models that are converted for two.
    standalone: Write the needed kernel sources, too.
    convert: For models that are not converted yet.
  """

  name: str | None = None
  section: str | None = None
  fast_section: str = FAST_SECTION
  standalone: bool = False
  convert: ConvertOptions = dataclasses.field(default_factory=ConvertOptions)


@dataclasses.dataclass(frozen=True)
class CompiledModel:
  """A model as C.

  Attributes:
    name: What the functions' names begin with.
    model: The converted model that the C computes.
    files: Text by file name: the source, the header, kernels if wanted.
    constants_bytes: In flash, parameters of the kernels not counted.
    workspace_bytes: In RAM, with inputs and outputs.
    code_bytes_estimate: Of the functions in model.c and the parameters of the kernels, on a
      Cortex-M; the kernels themselves not counted.
    bands: Of a frame; 1 for models that take it whole.
    hops: Calls that fill the window of a model converted with `--hop`; 0 for others.
    fast_bytes: In RAM, of the array that belongs into the fastest memory; 0 for none.
    kernels: The row kernels that are called.
  """

  name: str
  model: Model
  files: dict[str, str]
  constants_bytes: int
  workspace_bytes: int
  code_bytes_estimate: int
  bands: int
  hops: int
  fast_bytes: int
  kernels: tuple[str, ...]

  def to_json(self) -> dict[str, Any]:
    """A summary for machines."""
    return {
      'schema_version': SCHEMA_VERSION,
      'name': self.name,
      'constants_bytes': self.constants_bytes,
      'workspace_bytes': self.workspace_bytes,
      'code_bytes_estimate': self.code_bytes_estimate,
      'bands': self.bands,
      'hops': self.hops,
      'fast_bytes': self.fast_bytes,
      'kernels': list(self.kernels),
    }


def identifier(file_name: str) -> str:
  """A name for the functions, from a file's name."""
  name = re.sub(r'[^A-Za-z0-9]+', '_', pathlib.PurePath(file_name).stem).strip('_')
  return name if _NAME.fullmatch(name) else f'model_{name}'.rstrip('_')


def compile_model(
  data: bytes,
  options: CompileOptions = CompileOptions(),
  file_name: str = 'model.c',
  origin: str = '',
  progress: Callable[[str], None] = lambda text: None,
) -> CompiledModel:
  """Makes C of a model.

  Args:
    data: A `.tflite` file's bytes, converted or not.
    options: See `CompileOptions`.
    file_name: Of the source; the header's and the default name come from it.
    origin: The model's file, for messages.
    progress: Called with a line of text as the work proceeds.

  Raises:
    ModelError: the bytes are no valid model.
    TflmPatchError: the model cannot become C, or an option is wrong; says why.
  """
  name = options.name if options.name is not None else identifier(file_name)
  _check_options(name, options)
  model = _converted(data, options.convert, origin, progress)
  progress('Writing C')
  where = origin or 'model'
  try:
    return _compile(name, model, options, file_name, origin)
  except StageError as error:
    raise ModelError(f'{where}: {error}; convert the original model again') from error


def _compile(
  name: str, model: Model, options: CompileOptions, file_name: str, origin: str
) -> CompiledModel:
  """Makes C of a converted model; see `compile_model`, and StageError."""
  where = origin or 'model'
  found = stages_of(model.main, where)
  _check_tensors(model.main, where)
  stages, operators = [stage for stage, _ in found], [operator for _, operator in found]
  if len(stages) > 1 and any(stage.pauses for stage in stages):
    raise TflmPatchError(
      f'{where}: is fed by rows and has {len(stages)} stages; compile it without --input-rows'
    )
  place = memory.place(
    model.main,
    operators,
    [stage.workspace_bytes for stage in stages],
    [stage.state_bytes for stage in stages],
  )
  place = dataclasses.replace(place, fast_bytes=max((s.fast_bytes for s in stages), default=0))
  functions = []
  first_op = 0
  for number, (stage, operator) in enumerate(zip(stages, operators)):
    functions.append(StageFunctions(stage, operator, place, number, first_op))
    first_op += len(stage.ops)
  header_name = str(pathlib.PurePath(file_name).with_suffix('.h').name)
  kernels_header = standalone.flat_name(KERNELS_HEADER) if options.standalone else KERNELS_HEADER
  shown = printable(pathlib.PurePath(origin).name) or 'a model'
  sections = options.section, options.fast_section
  names = source.FileNames(name, header_name, kernels_header, *sections, shown)
  calls = source.Calls(
    bands=1 + sum(stage.pauses for stage in stages),
    keeps_rows=any(stage.kept_maps for stage in stages),
    hops=next((stage.hops for stage in functions if stage.hops), 0),
  )
  text = source.source(names, model, place, functions)
  kernels = tuple(sorted(set(_KERNEL.findall(text))))
  files = {file_name: text, header_name: source.header(names, model, place, calls)}
  if options.standalone:
    files = {**standalone.sources(kernels, needed.left_out(stages)), **files}
  return CompiledModel(
    name=name,
    model=model,
    files=files,
    constants_bytes=sum(stage.constants.bytes for stage in functions),
    workspace_bytes=place.bytes,
    code_bytes_estimate=_code_estimate(functions, text),
    bands=calls.bands,
    hops=calls.hops,
    fast_bytes=place.fast_bytes,
    kernels=kernels,
  )


def compile_file(
  path: str | os.PathLike[str],
  output: str | os.PathLike[str] | None = None,
  options: CompileOptions = CompileOptions(),
  progress: Callable[[str], None] = lambda text: None,
) -> CompiledModel:
  """Makes C of a file; the header, and kernel sources if wanted, stand beside the output.

  Args:
    path: The `.tflite` file.
    output: The `.c` file; `<name>.c` beside the input by default.
    options, progress: As for `compile_model`.

  Raises:
    TflmPatchError: as `compile_model`; or a file cannot be read or written.
  """
  output = default_output(path) if output is None else pathlib.Path(output)
  if output.suffix != '.c':
    raise TflmPatchError(f'{output}: is no name of a C file; end it with .c, as in -o model.c')
  if printable(output.name) != output.name or set(output.name) & set('"\\'):
    raise TflmPatchError(
      f'{output}: this name cannot stand in an #include; choose another output with -o'
    )
  data = read_limited(path)
  check_outputs([path], [output, output.with_suffix('.h')])
  compiled = compile_model(data, options, output.name, os.fspath(path), progress)
  check_outputs([path], [output.with_name(name) for name in compiled.files])
  # The source comes last: while it is the old one, so is the rest of its folder.
  for name in sorted(compiled.files, key=lambda name: name == output.name):
    write_atomically(output.with_name(name), compiled.files[name].encode())
  return compiled


def default_output(path: str | os.PathLike[str]) -> pathlib.Path:
  """`model.tflite` -> `model.c`, in the same folder."""
  return pathlib.Path(path).with_suffix('.c')


def _check_options(name: str, options: CompileOptions) -> None:
  if not _NAME.fullmatch(name) or name.lower().startswith('tflm_patch'):
    raise TflmPatchError(
      f'"{name}" cannot begin the names of C functions; give letters, digits and _, a letter '
      'first, not tflm_patch, with --name'
    )
  for section in (options.section, options.fast_section):
    if section is not None and not _SECTION.fullmatch(section):
      raise TflmPatchError(f'"{section}" is no name of a section; give one as in .noinit')


def _converted(
  data: bytes, options: ConvertOptions, origin: str, progress: Callable[[str], None]
) -> Model:
  model = parse_model(data, origin)
  if not any(is_stage(operator) for operator in model.main.operators):
    # Without an interpreter there is no stock arena to be better than.
    forced = dataclasses.replace(options, force_stage=True)
    return api.convert_model(data, forced, origin, progress).model
  if options != ConvertOptions():
    raise TflmPatchError(
      f'{origin or "model"}: is converted already; options of the conversion need the original'
    )
  for operator in model.main.operators:
    if is_stage(operator):
      checks.check_stage(model.main, operator, origin or 'model')
  return model


def stages_of(subgraph: Subgraph, where: str) -> list[tuple[Stage, Operator]]:
  """The stages of a converted graph with their operators.

  Raises:
    TflmPatchError: some of its operators are no stages, or it has none.
    StageError: a stage is damaged.
  """
  return [(_decode(subgraph, operator), operator) for operator in _stages(subgraph, where)]


def _stages(subgraph: Subgraph, where: str) -> list[Operator]:
  stock: dict[str, int] = {}
  for operator in subgraph.operators:
    if not is_stage(operator):
      opcode = operator.custom_name or operator.opcode
      stock[opcode] = stock.get(opcode, 0) + 1
  if stock:
    names = ', '.join(
      name if count == 1 else f'{name} ({count} times)' for name, count in stock.items()
    )
    raise TflmPatchError(
      f'{where}: operators that no stage holds cannot be compiled: {names}; '
      'tflm-patch convert says why, and converts the model for TFLM'
    )
  if not subgraph.operators:
    raise TflmPatchError(f'{where}: has no operators; give a model that computes something')
  return list(subgraph.operators)


def _check_tensors(subgraph: Subgraph, where: str) -> None:
  for index in (*subgraph.inputs, *subgraph.outputs):
    tensor = subgraph.tensors[index]
    if tensor.is_constant or not source.type_is_known(tensor.dtype):
      what = 'a constant' if tensor.is_constant else tensor.dtype.name
      raise TflmPatchError(
        f'{where}: input or output "{tensor.name}" is {what}; compile models whose inputs and '
        'outputs are computed, of 8 to 32 bits'
      )


def _decode(subgraph: Subgraph, operator: Operator) -> Stage:
  data, constants = (subgraph.tensors[i].data for i in operator.inputs[-2:])
  if data is None or constants is None:
    raise StageError("a stage's program or constants are missing")
  try:
    stage = decode(data.tobytes(), constants.tobytes())
  except ValueError as error:
    raise StageError(str(error)) from error
  if stage.family != program.FAMILY_PORTABLE:
    raise StageError(f'the constants are packed for kernel family {stage.family}, not known here')
  return stage


def _code_estimate(functions: list[StageFunctions], text: str) -> int:
  calls = len(re.findall(r'^ +[a-z]\w*_\d+\(', text, re.MULTILINE))
  views = text.count('static const tflm_patch_rows ')
  count = sum(stage.functions for stage in functions)
  return _FIXED_BYTES + _FUNCTION_BYTES * count + _VIEW_BYTES * views + _CALL_BYTES * calls
