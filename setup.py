# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds the package, the planner's library, a plugin for QEMU and, on Linux x86-64, the
host library.

The planner's library makes conversions several times as fast; any C compiler of
Unix kind builds it, and without one the planner runs in Python.

The plugin watches what an emulated microcontroller executes: `tflm-patch bench` tells
cycles by it.

The host library lets the Python TFLM interpreter run converted models. It
needs a C and a C++ compiler (CC, CXX; CFLAGS is obeyed as usual) and nothing
else. TFLM_PATCH_HOST_CFLAGS adds flags for it alone, such as -march=native.
Elsewhere the package installs without it: models are converted, not verified.
"""

from __future__ import annotations

import os
import pathlib
import platform
import shlex
import shutil
import sys

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent
KERNELS = pathlib.Path('micro_kernels')
HOST_LIBRARY = 'tflm_patch.runtime.libtflm_patch_host'
PLANNER = pathlib.Path('tflm_patch/planner/native')
PLANNER_LIBRARY = 'tflm_patch.planner.native.libtflm_patch_planner'
TRACE = pathlib.Path('tflm_patch/bench/trace')
TRACE_LIBRARY = 'tflm_patch.bench.trace.libtflm_patch_trace'

C_FLAGS = ['-std=c11']
CXX_FLAGS = ['-std=c++14', '-fno-rtti', '-fno-exceptions', '-DTFLM_PATCH_NO_TFLM_HEADERS']
COMMON_FLAGS = ['-O3', '-Wall', '-Wextra', '-ffp-contract=off', '-fno-semantic-interposition']


def wants_host_library() -> bool:
  """Whether this machine can run the Python TFLM interpreter at all."""
  return sys.platform == 'linux' and platform.machine() == 'x86_64'


class BuildLibraries(build_ext):
  """Compiles the libraries: plain shared libraries, no Python modules."""

  def get_ext_filename(self, fullname: str) -> str:
    return os.path.join(*fullname.split('.')) + '.so'

  def build_extension(self, ext: Extension) -> None:
    build = self.build_host_library if ext.name == HOST_LIBRARY else self.build_plain
    build(ext)

  def build_plain(self, ext: Extension) -> None:
    compiler = self.compiler
    if compiler.compiler_type != 'unix' or shutil.which(compiler.compiler_so[0]) is None:
      self.warn(f'no C compiler of Unix kind: installing without {ext.name}')
      return
    objects = compiler.compile(
      ext.sources,
      output_dir=self.build_temp,
      extra_postargs=[*C_FLAGS, '-O3', '-Wall', '-Wextra', '-fvisibility=hidden'],
    )
    compiler.link_shared_object(objects, self.get_ext_fullpath(ext.name), target_lang='c')

  def build_host_library(self, ext: Extension) -> None:
    compilers = [self.compiler.compiler_so[0], self.compiler.compiler_cxx[0]]
    missing = [name for name in compilers if shutil.which(name) is None]
    if missing:
      self.warn(
        f'no compiler ({", ".join(missing)}): installing without the host library; '
        'models can be converted, not verified'
      )
      ext.optional = True  # the missing file is no error to the steps that follow
      return
    extra = shlex.split(os.environ.get('TFLM_PATCH_HOST_CFLAGS', ''))
    objects = []
    for suffix, flags in (('.c', C_FLAGS), ('.cc', CXX_FLAGS)):
      objects += self.compiler.compile(
        [source for source in ext.sources if source.endswith(suffix)],
        output_dir=self.build_temp,
        include_dirs=ext.include_dirs,
        extra_postargs=flags + COMMON_FLAGS + extra,
      )
    # Linked as C: the adapter uses nothing of the C++ library.
    self.compiler.link_shared_object(
      objects,
      self.get_ext_fullpath(ext.name),
      libraries=['dl'],
      extra_postargs=[f'-Wl,--version-script={KERNELS}/host/exports.map', *extra],
      target_lang='c',
    )


class PlatformWheel(bdist_wheel):
  """The libraries depend on the platform, not on the Python version."""

  def get_tag(self) -> tuple[str, str, str]:
    return 'py3', 'none', super().get_tag()[2]


def host_library() -> Extension:
  """The sources of the host library."""
  sources = [
    *(ROOT / KERNELS / 'src').rglob('*.c'),
    *(ROOT / KERNELS / 'tflm').glob('*.cc'),
    *(ROOT / KERNELS / 'host').glob('*.cc'),
  ]
  return Extension(
    HOST_LIBRARY,
    sources=sorted(str(source.relative_to(ROOT)) for source in sources),
    include_dirs=[str(KERNELS / folder) for folder in ('include', 'src', 'tflm')],
  )


def planner_library() -> Extension:
  """The sources of the planner's library."""
  sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / PLANNER).glob('*.c'))
  return Extension(PLANNER_LIBRARY, sources=sources, optional=True)


def trace_library() -> Extension:
  """The sources of QEMU's plugin; its symbols are QEMU's own, found when it is loaded."""
  return Extension(TRACE_LIBRARY, sources=[str(TRACE / 'block_trace.c')], optional=True)


setup(
  packages=[
    *find_packages(include=['tflm_patch', 'tflm_patch.*']),
    *find_packages(include=['converter_plugins', 'converter_plugins.*']),
    'tflm_patch.micro_kernels',
  ],
  # The sources that users compile into their firmware travel in the package.
  package_dir={'tflm_patch.micro_kernels': str(KERNELS)},
  package_data={
    'tflm_patch': [
      'py.typed',
      'bench/firmware/*',
      '**/*.tflite',
      '**/*.npz',
      '**/*.json',
      '**/*.toml',
      '**/*.txt',
      '**/*.in',
    ],
    'tflm_patch.micro_kernels': [
      'BUILD',
      'LICENSE',
      '*.mk',
      '**/CMakeLists.txt',
      '**/*.cmake*',
      '**/*.h',
      '**/*.c',
      '**/*.cc',
      '**/*.map',
    ],
  },
  ext_modules=[
    planner_library(),
    *([trace_library()] if sys.platform == 'linux' else []),
    *([host_library()] if wants_host_library() else []),
  ],
  # Not `build`: where names ignore case, the Bazel file BUILD is in the way.
  options={'build': {'build_base': '.build/python'}},
  cmdclass={'build_ext': BuildLibraries, 'bdist_wheel': PlatformWheel},
)
