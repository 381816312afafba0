# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Exports of small models, and builds of what they list."""

import re
import subprocess

import pytest
from support.firmware import C11, CXX14, need, run

from tflm_patch.export import ExportOptions, export

NAME = 'tiny_net'
FRAME = (1, 12, 10, 3)
VERSION = re.compile(r'\d+\.\d+\.\d+')
# What the vendors' commands do, as far as a build on the host needs it: print lists.
CMAKE_LISTS = """
function(idf_component_register)
  cmake_parse_arguments(A "" "" "SRCS;INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES" ${ARGN})
  message("sources=${A_SRCS}")
  message("includes=${A_INCLUDE_DIRS}")
  message("requires=${A_PRIV_REQUIRES}")
endfunction()
function(zephyr_include_directories)
  message("includes=${ARGN}")
endfunction()
function(zephyr_library_named name)
  message("library=${name}")
endfunction()
function(zephyr_library_sources)
  message("sources=${ARGN}")
endfunction()
function(zephyr_library_compile_definitions)
  message("definitions=${ARGN}")
endfunction()
function(target_compile_options)
endfunction()
set(CONFIG_TINY_NET y)
"""
ARDUINO_H = """
#include <stdio.h>
#include <stdlib.h>
struct SerialPort {
  void begin(long) {}
  explicit operator bool() const { return true; }
  void print(const char* text) { printf("%s", text); }
  void print(int value) { printf("%d", value); }
  void print(double value, int) { printf("%.9g", value); }
};
static SerialPort Serial;
static inline void delay(int) { exit(0); }
"""


def exported(model, form, folder, runtime='direct'):
  return export(model, folder, ExportOptions(form, NAME, runtime))


def build_and_run(folder, sources, includes, example, expected, tmp_path, extra=()):
  """Compiles what a description lists, with one example, and runs it."""
  need('gcc', 'g++')
  objects = []
  assert len(sources) == len(set(sources))
  for number, source in enumerate([*sources, example]):
    is_c = str(source).endswith('.c')
    objects.append(tmp_path / f'{number}.o')
    language = [] if not str(source).endswith('.ino') else ['-x', 'c++']
    run(
      'gcc' if is_c else 'g++',
      *(C11 if is_c else CXX14),
      '-O1',
      *extra,
      *(f'-I{folder / include}' for include in includes),
      *language,
      '-c',
      folder / source,
      '-o',
      objects[-1],
    )
  run('g++', *objects, *extra, '-o', tmp_path / 'example')
  assert run(tmp_path / 'example') == expected


def script_lists(folder):
  """What a component's CMakeLists.txt passes to the vendor's commands."""
  need('cmake')
  script = folder.parent / f'{folder.name}.cmake'
  script.write_text(f'{CMAKE_LISTS}\ninclude({folder}/CMakeLists.txt)\n')
  done = subprocess.run(['cmake', '-P', script], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  return {
    key: value.split(';') for key, value in re.findall(r'^(\w+)=(.*)$', done.stderr, re.MULTILINE)
  }


def yaml(path):
  return pytest.importorskip('yaml').safe_load(path.read_text())


def c_sources(folder, under='src'):
  return [
    str(path.relative_to(folder))
    for path in sorted((folder / under).rglob('*'))
    if path.suffix in ('.c', '.cc', '.cpp')
  ]
