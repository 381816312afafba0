# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Real models: same bytes in TFLM, the arena predicted, and the limits that were set."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.verify import compare, io_adapter
from tflm_patch.sample.sample import sample_inputs as sample_images
from tflm_patch.sample.sample import sample_model_path

INPUTS = 32
TAIL_LIMIT = 1_500


@dataclasses.dataclass(frozen=True)
class Case:
  """A model, and the largest head of the arena that is good enough (None: not above stock)."""

  name: str
  limit: int | None
  int8_io: bool = False


CASES = [
  Case('mlperf_vww_96_int8', 28_600),
  Case('mlperf_resnet8_int8', 14_200),
  Case('mlperf_kws_int8', 6_000),
  Case('mlperf_ad01_int8', None),
  Case('tflm_person_detect', 14_900),
  Case('mbv2_0.35_144_int8', 67_400),
  Case('mbv2_1.0_224_int8', 200_000),
  Case('tflm_mbv2_pytorch_224', 280_000),
  Case('mcunet_vww', None),
  Case('mcunet_vww', 22_000, int8_io=True),
  Case('mcunet_detection', None),
  Case('mcunet_detection', 74_000, int8_io=True),
  Case('mcunetv2_large', None),
  Case('mcunetv2_large', 262_000, int8_io=True),
]


def check(data: bytes, limit: int | None, int8_io: bool, inputs: int) -> None:
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  result = convert_model(data, ConvertOptions(int8_io=int8_io))
  assert result.changed
  assert len(result.data) <= len(data)
  adapter = io_adapter(result.original, result.model)
  source = result.original if adapter is None else result.model
  comparison = compare(data, result.data, sample_inputs(source, inputs), adapter)
  assert comparison.inputs == inputs
  assert comparison.bit_exact, comparison.first
  stock, ours = measure_arena(data), measure_arena(result.data)
  for predicted, measured in (
    (result.original_arena_host, stock),
    (result.converted_arena_host, ours),
  ):
    assert predicted.head == measured.head
    assert abs(predicted.tail - measured.tail) <= 64
  assert limit is None or ours.head <= limit
  assert ours.total <= stock.total
  if len(result.model.main.operators) == 1:
    assert ours.tail < TAIL_LIMIT
  assert result.converted_macs <= result.original_macs


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.name + '-int8_io' * case.int8_io)
def test_model(case, models_dir):
  path = models_dir / f'{case.name}.tflite'
  if not path.exists():
    pytest.skip(f'{path} is absent')
  check(path.read_bytes(), case.limit, case.int8_io, INPUTS)


def test_sample_model():
  check(sample_model_path().read_bytes(), 20_000, False, INPUTS)


def test_sample_model_still_knows_its_digits():
  images, labels = sample_images()
  interpreter = Interpreter(convert_model(sample_model_path().read_bytes()).data)
  right = sum(
    int(interpreter.invoke([image[None]])[0].argmax()) == label
    for image, label in zip(images, labels)
  )
  assert right >= 9


# Runs the tool and prints the seconds and the most memory, in kB, that its process took.
_MEASURED = """
import re, sys, time
from tflm_patch.cli.main import main
code = main(sys.argv[1:])
kilobytes = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]
print(time.process_time(), kilobytes, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
@pytest.mark.parametrize('name', ['mcunetv2_large', 'mbv2_1.0_224_int8'])
def test_conversion_takes_little_time_and_memory(name, models_dir, tmp_path):
  path = models_dir / f'{name}.tflite'
  if not path.exists():
    pytest.skip(f'{path} is absent')
  arguments = ['convert', str(path), '-o', str(tmp_path / 'out.tflite')]
  result = subprocess.run(
    [sys.executable, '-c', _MEASURED, *arguments], capture_output=True, text=True, check=True
  )
  seconds, kilobytes = result.stderr.split()[-2:]
  assert float(seconds) < 20
  assert int(kilobytes) < 1_000_000
