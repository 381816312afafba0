# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds compiled models and runs them: inputs from a file, outputs to another."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import subprocess
import tempfile

import numpy as np

from tflm_patch.codegen.compiler import CompiledModel
from tflm_patch.runtime import paths
from tflm_patch.runtime.rows import bands_of

WARNINGS = ('-std=c11', '-Wall', '-Wextra', '-Wshadow', '-Werror')
SANITIZERS = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g')
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "{name}.h"

int main(void) {{
  FILE* in = fopen("inputs.bin", "rb");
  FILE* out = fopen("outputs.bin", "wb");
  static const size_t input_bytes[] = {{{inputs}}};
  static const size_t output_bytes[] = {{{outputs}}};
  if (in == NULL || out == NULL) {{
    return 1;
  }}
  {name}_init();
  for (;;) {{
    for (unsigned i = 0; i < {n_inputs}; ++i) {{
      if (fread({name}_input(i), 1, input_bytes[i], in) != input_bytes[i]) {{
        return fclose(out);
      }}
    }}
    {run}
    for (unsigned i = 0; i < {n_outputs}; ++i) {{
      fwrite({name}_output(i), 1, output_bytes[i], out);
    }}
  }}
}}
"""


def main_source(compiled: CompiledModel) -> str:
  main = compiled.model.main
  name = compiled.name
  feed = f'if (!{name}_feed({name}_input(0))) {{\n      continue;\n    }}'
  return MAIN.format(
    name=name,
    inputs=', '.join(str(main.tensors[i].bytes) for i in main.inputs),
    outputs=', '.join(str(main.tensors[i].bytes) for i in main.outputs),
    n_inputs=len(main.inputs),
    n_outputs=len(main.outputs),
    run=feed if compiled.bands > 1 or compiled.hops else f'{name}_invoke();',
  )


def run(*command, **options) -> str:
  """A command that must succeed; gives its output."""
  done = subprocess.run(
    [str(part) for part in command], capture_output=True, text=True, timeout=600, **options
  )
  assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
  return done.stdout


@dataclasses.dataclass(frozen=True)
class Toolchain:
  compiler: str
  flags: tuple[str, ...]

  @property
  def archiver(self) -> str:
    return f'{self.compiler.removesuffix("gcc")}ar' if 'none' in self.compiler else 'ar'


HOST = Toolchain('gcc', ('-O1', *SANITIZERS))


@functools.cache
def kernels(toolchain: Toolchain) -> pathlib.Path:
  """The kernels library of a toolchain, built once in a process."""
  folder = _kernels_folder(toolchain)
  sources = sorted((paths.kernels_dir() / 'src').rglob('*.c'))
  objects = []
  for number, source in enumerate(sources):
    objects.append(folder / f'{number}.o')
    run(
      toolchain.compiler,
      '-std=c11',
      *toolchain.flags,
      f'-I{paths.include_dirs()[0]}',
      '-c',
      source,
      '-o',
      objects[-1],
    )
  run(toolchain.archiver, 'rcs', folder / 'kernels.a', *objects)
  return folder / 'kernels.a'


_FOLDERS: list[tempfile.TemporaryDirectory] = []


def _kernels_folder(toolchain: Toolchain) -> pathlib.Path:
  _FOLDERS.append(tempfile.TemporaryDirectory(prefix='tflm_patch_kernels_'))
  return pathlib.Path(_FOLDERS[-1].name)


def write(compiled: CompiledModel, folder: pathlib.Path) -> None:
  for name, text in compiled.files.items():
    (folder / name).write_text(text)
  (folder / 'main.c').write_text(main_source(compiled))


def build(
  compiled: CompiledModel, folder: pathlib.Path, toolchain: Toolchain = HOST, *extra: object
) -> pathlib.Path:
  """Builds an image of a compiled model without a warning."""
  write(compiled, folder)
  image = folder / 'image'
  run(
    toolchain.compiler,
    *WARNINGS,
    *toolchain.flags,
    f'-I{paths.include_dirs()[0]}',
    f'{compiled.name}.c',
    'main.c',
    kernels(toolchain),
    *extra,
    '-o',
    image,
    cwd=folder,
  )
  return image


def write_inputs(
  compiled: CompiledModel, folder: pathlib.Path, inputs: list[list[np.ndarray]]
) -> None:
  main = compiled.model.main
  data = b''
  for arrays in inputs:
    if compiled.bands > 1:
      shape = main.tensors[main.inputs[0]].shape
      arrays = list(bands_of(arrays[0], shape))
    data += b''.join(array.tobytes() for array in arrays)
  (folder / 'inputs.bin').write_bytes(data)


def read_outputs(compiled: CompiledModel, folder: pathlib.Path) -> list[list[np.ndarray]]:
  main = compiled.model.main
  data = (folder / 'outputs.bin').read_bytes()
  found = []
  while data:
    arrays = []
    for i in main.outputs:
      tensor = main.tensors[i]
      assert len(data) >= tensor.bytes
      arrays.append(np.frombuffer(data[: tensor.bytes], tensor.dtype.numpy).reshape(tensor.shape))
      data = data[tensor.bytes :]
    found.append(arrays)
  return found
