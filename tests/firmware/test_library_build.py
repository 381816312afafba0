# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The firmware library as a dependency: CMake both ways, the Makefile fragment, Bazel's lists."""

import re

import pytest
from support.firmware import FAKE_TFLM, need, run

from tflm_patch.kernel_library import sources
from tflm_patch.program.records import Kind
from tflm_patch.runtime.paths import kernels_dir

KERNELS = kernels_dir()
USER_MAIN = """
#include "tflm_patch/executor.h"
int main(void) {
  return tflm_patch_validate(0, 0, 0, 0, 0, 0) == TFLM_PATCH_OK;
}
"""
USER_ADAPTER = """
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tflm_patch/tflm/patch_op_resolver.h"
namespace tflite {
namespace micro {}
}
using namespace tflite;
using namespace tflite::micro;
bool Register(MicroMutableOpResolver<tflm_patch::kNumberOfTflmPatchOps>& resolver) {
  return tflm_patch::RegisterTflmPatchOps(resolver) == kTfLiteOk;
}
"""


def configure(source, build, *options):
  need('cmake', 'gcc', 'g++')
  run('cmake', '-S', source, '-B', build, *options)
  run('cmake', '--build', build)


def test_find_package(tmp_path):
  configure(
    KERNELS,
    tmp_path / 'build',
    '-DTFLM_PATCH_BUILD_TESTS=OFF',
    '-DTFLM_PATCH_WERROR=ON',
    f'-DTFLM_ROOT={FAKE_TFLM}/old',
  )
  run('cmake', '--install', tmp_path / 'build', '--prefix', tmp_path / 'prefix')
  user = tmp_path / 'user'
  user.mkdir()
  (user / 'main.c').write_text(USER_MAIN)
  (user / 'adapter.cc').write_text(USER_ADAPTER)
  (user / 'CMakeLists.txt').write_text(
    'cmake_minimum_required(VERSION 3.16)\nproject(user C CXX)\n'
    'find_package(tflm_patch_kernels 0.1 REQUIRED)\n'
    'add_executable(user main.c)\ntarget_link_libraries(user tflm_patch::kernels)\n'
    'add_library(adapter STATIC adapter.cc)\n'
    f'target_include_directories(adapter PRIVATE {FAKE_TFLM}/old)\n'
    'target_link_libraries(adapter tflm_patch::tflm)\n'
  )
  configure(user, user / 'build', f'-DCMAKE_PREFIX_PATH={tmp_path}/prefix')
  run(user / 'build/user')


@pytest.mark.parametrize('age', ['old', 'new'])
def test_add_subdirectory(age, tmp_path):
  (tmp_path / 'main.c').write_text(USER_MAIN)
  (tmp_path / 'adapter.cc').write_text(USER_ADAPTER)
  (tmp_path / 'model_kernels.h').write_text(sources.header_of_kinds([Kind.MAX_POOL_2D]))
  (tmp_path / 'CMakeLists.txt').write_text(
    'cmake_minimum_required(VERSION 3.16)\nproject(user C CXX)\n'
    f'add_subdirectory({KERNELS} kernels)\n'
    'add_executable(user main.c)\n'
    'target_link_libraries(user tflm_patch::kernels -Wl,--gc-sections)\n'
    'add_library(adapter STATIC adapter.cc)\ntarget_link_libraries(adapter tflm_patch::tflm)\n'
  )
  configure(
    tmp_path,
    tmp_path / 'build',
    f'-DTFLM_ROOT={FAKE_TFLM}/{age}',
    f'-DTFLM_PATCH_KERNEL_TABLE_FILE={tmp_path}/model_kernels.h',
  )
  run(tmp_path / 'build/user')
  symbols = run('nm', tmp_path / 'build/user')
  assert 'tflm_patch_max_pool_2d_kernel' in symbols
  assert 'tflm_patch_conv_2d_kernel' not in symbols and 'conv_s8' not in symbols


@pytest.mark.parametrize(
  'option', ['-DTFLM_ROOT=/nowhere', '-DTFLM_PATCH_KERNEL_TABLE_FILE=/nowhere']
)
def test_wrong_paths_are_named(option, tmp_path):
  need('cmake')
  with pytest.raises(AssertionError, match='/nowhere'):
    run('cmake', '-S', KERNELS, '-B', tmp_path, option)


def test_makefile_fragment(tmp_path):
  """Into an archive by a makefile with TFLM's variables, and by one of a user's own."""
  need('make', 'gcc', 'g++', 'nm')
  (tmp_path / 'Makefile').write_text(
    'CCFLAGS := -std=c17 -Wall -Wextra -Werror\n'
    'CXXFLAGS := -std=c++17 -fno-rtti -fno-exceptions -Wall -Wextra -Werror\n'
    'KERNEL_OPTIMIZATION_LEVEL := -O2\nCORE_OPTIMIZATION_LEVEL := -Os\n'
    f'INCLUDES := -I{FAKE_TFLM}/new\n'
    'all: library.a\nlibrary.a: $(MICROLITE_CUSTOM_OP_OBJS)\n\tar rcs $@ $^\n'
    'list:\n\t@echo $(TFLM_PATCH_C_SRCS) $(TFLM_PATCH_CC_SRCS) $(TFLM_PATCH_INCLUDES)\n'
  )
  fragment = KERNELS / 'tflm_patch.mk'
  make = ['make', '-C', tmp_path, '-s', '-f', fragment, '-f', 'Makefile']
  run(*make)
  symbols = run('nm', '-C', tmp_path / 'library.a')
  assert 'tflm_patch::StageRegistration()' in symbols and 'tflm_patch_conv_2d_kernel' in symbols
  listed = run(*make, 'list').split()
  wanted = [*(KERNELS / 'src').rglob('*.c'), KERNELS / 'tflm/stage_op.cc']
  assert sorted(map(str, wanted)) == sorted(name for name in listed if name.endswith(('.c', '.cc')))
  assert f'-I{KERNELS}/include' in listed


def test_bazel_lists_match_the_tree():
  """Bazel itself is not here: its globs are read."""
  text = (KERNELS / 'BUILD').read_text()
  globs = set(re.findall(r'"([^"]*\*[^"]*)"', text))
  for pattern in globs:
    assert list(KERNELS.glob(pattern)), pattern
  for path in [*(KERNELS / 'src').rglob('*.[ch]'), *(KERNELS / 'tflm').iterdir()]:
    assert any(path in KERNELS.glob(pattern) for pattern in globs), path
