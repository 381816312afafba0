# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Code sizes on Cortex-M4, and what is left out for a model: no more than it can miss."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from support import real_models
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, emulator, image
from tflm_patch.bench.measure import prepare
from tflm_patch.codegen import model
from tflm_patch.cost.work import work_of_program
from tflm_patch.errors import TflmPatchError
from tflm_patch.kernel_library import sources
from tflm_patch.kernel_library import trimming as needed
from tflm_patch.program.records import Kind

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
M4 = cpus.find('m4')
for _program in (M4.compiler, M4.emulator):
  if shutil.which(_program) is None:
    pytest.skip(f'{_program} is not installed', allow_module_level=True)
ROOT = pathlib.Path(__file__).resolve().parents[2]
REFUSED = (needed.WITHOUT_ROW_SUMS, needed.WITHOUT_FALLBACK, needed.WITHOUT_PAIRS)
EVERYTHING = (*REFUSED, needed.WITHOUT_WIDE_WINDOWS, needed.WITHOUT_BLOCKS, needed.WITHOUT_PARTS)


def conv(shape, *arguments, **options):
  return lambda b: b.conv(b.input((1, *shape)), *arguments, **options)


def depthwise(shape, *arguments, **options):
  return lambda b: b.depthwise(b.input((1, *shape)), *arguments, **options)


def dense(shape, units):
  return lambda b: b.fully_connected(b.input((1, *shape)), units)


# Of each the macros of REFUSED that must not be there.
NOTHING, FALLBACK = set(), set(REFUSED[1:])
LAYERS = {
  'conv': (conv((9, 7, 3), 5), NOTHING),
  'conv of fours': (conv((9, 7, 8), 6), NOTHING),
  'conv, dilated': (conv((9, 7, 4), 6, dilation=2), NOTHING),
  'conv, pointwise': (conv((5, 5, 4), 7, 1), NOTHING),
  'conv, few taps': (conv((5, 5, 3), 8, 1), FALLBACK),
  'conv, groups': (conv((5, 5, 8), 8, groups=2), FALLBACK),
  'conv, 10 rows': (conv((12, 5, 2), 4, (10, 3)), NOTHING),
  'conv, 11 rows': (conv((12, 5, 2), 4, (11, 3)), FALLBACK),
  'depthwise': (depthwise((9, 30, 9)), NOTHING),
  'depthwise, stride 2': (depthwise((9, 9, 4), stride=2), NOTHING),
  'depthwise, stride 3': (depthwise((9, 9, 4), stride=3), FALLBACK),
  'depthwise, 5 x 5': (depthwise((9, 9, 6), kernel=5), {REFUSED[2]}),
  'depthwise, 1 x 3': (depthwise((9, 9, 6), kernel=(1, 3)), {REFUSED[2]}),
  'depthwise, 8 rows': (depthwise((9, 9, 4), kernel=(8, 3)), {REFUSED[2]}),
  'depthwise, 9 rows': (depthwise((9, 9, 4), kernel=(9, 3)), FALLBACK),
  'depthwise, 8 columns': (depthwise((9, 20, 4), kernel=(3, 8)), {REFUSED[2]}),
  'depthwise, 9 columns': (depthwise((9, 20, 4), kernel=(3, 9)), FALLBACK),
  'depthwise, 3 channels': (depthwise((9, 9, 3)), FALLBACK),
  'depthwise, multiplier': (depthwise((9, 9, 4), 2), FALLBACK),
  'depthwise, dilated': (depthwise((9, 9, 4), dilation=2), FALLBACK),
  'fully connected': (dense((1, 1, 4), 3), NOTHING),
  'fully connected, few values': (dense((1, 1, 3), 5), FALLBACK),
  'fully connected, rows': (dense((4, 4, 3), 5), {REFUSED[0]}),
}


def accepts(kinds, macros, jobs):
  """Whether a build without some parts takes the stages; their bytes must be right."""
  built = image.build(M4, '-Os', header=sources.header_of_kinds(kinds, macros))
  for job in jobs:
    calls = [operator.calls for operator in work_of_program(job.program)]
    try:
      measured = emulator.run(M4, built, job, calls)
    except TflmPatchError as error:
      assert 'is rejected on cortex-m4 (validate gave status 10)' in str(error)
      return False
    assert not measured.different and not measured.stray
  return True


def check(data, unneeded_but, folder):
  converted = convert_model(data, ConvertOptions(force_stage=True)).data
  path = folder / 'model.tflite'
  path.write_bytes(converted)
  jobs = prepare(path).jobs
  found = re.findall(
    r'^#define (\w+_WITHOUT_\w+)$',
    sources.kernel_header(model.describe(converted).programs),
    re.MULTILINE,
  )
  assert set(REFUSED) - set(found) == unneeded_but
  # One image for many, where possible.
  kinds = {Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED, Kind.QUANTIZE}
  kinds |= model.describe(converted).kinds
  assert accepts(kinds, [macro for macro in EVERYTHING if macro in found], jobs)
  assert accepts(kinds, EVERYTHING, jobs) == (not unneeded_but)


@pytest.mark.parametrize('layer', LAYERS)
def test_left_out_is_what_the_validator_can_miss(layer, tmp_path):
  make, unneeded_but = LAYERS[layer]
  b = ModelBuilder(7)
  b.output(make(b))
  check(b.build(), unneeded_but, tmp_path)


def test_uncommon_shifts(tmp_path):
  """Of a channel of a 3 x 3 kernel that the short way to bytes is not for."""
  path = real_models.FOLDER / 'mcunet_detection.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  check(path.read_bytes(), {needed.WITHOUT_PAIRS}, tmp_path)


def test_other_kinds_are_refused(tmp_path):
  b = ModelBuilder(7)
  b.output(b.conv(b.max_pool(b.input((1, 8, 8, 4)), 2, 2), 4))
  path = tmp_path / 'model.tflite'
  path.write_bytes(convert_model(b.build(), ConvertOptions(force_stage=True)).data)
  jobs = prepare(path).jobs
  assert not accepts([Kind.CONV_2D], (), jobs)
  assert accepts([Kind.CONV_2D, Kind.MAX_POOL_2D], (), jobs)


def test_table():
  """The sizes that are promised: 640 bytes a kind, 14.75 KB for what mlperf_vww needs."""
  if not (real_models.FOLDER / 'mlperf_vww_96_int8.tflite').exists():
    pytest.skip(real_models.MISSING)
  done = subprocess.run(
    [sys.executable, ROOT / 'benchmarks/cortex_m/code_size.py', '--models', 'mlperf_vww'],
    capture_output=True,
    text=True,
    env={**os.environ, 'TFLM_PATCH_MODELS': str(real_models.FOLDER)},
  )
  assert done.returncode == 0, done.stderr
  rows = dict(re.findall(r'\| Cortex-M4, (.*?) \| ([\d,]+) \|', done.stdout))
  small = {what: int(size.replace(',', '')) for what, size in rows.items()}
  assert 4096 < small['executor and all kernels'] < 640 * len(Kind)
  assert 4096 < small['mlperf_vww_96_int8: executor and its kernels'] < 15104
  assert 4096 < small['mlperf_vww_96_int8: compiled to C'] < 13.75 * 1024
