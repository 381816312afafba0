# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models measured on emulated cores: real cross compilers, real QEMU."""

import dataclasses
import shutil

import numpy as np
import pytest
from support.model_builder import ModelBuilder
from support.window_models import windowed

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.bench import cpus, image
from tflm_patch.bench.estimate import CYCLES_PER_INSTRUCTION, core_of, estimates
from tflm_patch.bench.measure import bench, measure, prepare
from tflm_patch.bench.timing import Flash
from tflm_patch.bench.trace import plugin
from tflm_patch.cost.work import work_of_program
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType
from tflm_patch.planner.options import PlanOptions
from tflm_patch.planner.work import work_of_plan
from tflm_patch.program.records import Kind
from tflm_patch.report.bench_table import bench_summary
from tflm_patch.targets import all_targets

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


def network():
  """An image network with every schedule's operators: windows, a shortcut, an accumulator."""
  b = ModelBuilder(3)
  x = b.conv(b.input((1, 18, 14, 3)), 8, 3, 2, activation='RELU6')
  y = b.conv(b.depthwise(x, 3), 8, 1)
  x = b.add(x, y)
  x = b.conv(b.max_pool(x, 2, 2), 11, (3, 1))
  b.output(b.softmax(b.fully_connected(b.mean(x), 5)))
  return b.build()


def fresh(tmp_path, data=None, name='model.tflite'):
  path = tmp_path / name
  path.write_bytes(network() if data is None else data)
  return path


@pytest.fixture(params=cpus.CPUS)
def core(request):
  found = cpus.CPUS[request.param]
  for program in (found.compiler, found.emulator):
    if shutil.which(program) is None:
      pytest.skip(f'{program} is not installed')
  return found


@pytest.fixture
def m4():
  found = cpus.find('m4')
  for program in (found.compiler, found.emulator):
    if shutil.which(program) is None:
      pytest.skip(f'{program} is not installed')
  return found


def test_a_model_on_every_core(tmp_path, core):
  result = bench(fresh(tmp_path), core.name)
  assert result.bit_exact and result.compared_with_original
  assert result.stock_operators == ()
  converted = convert_model(network(), ConvertOptions(force_stage=True))
  assert result.macs == converted.original_macs
  assert result.workspace == converted.stages[0].plan.workspace_bytes
  kinds = [cost.operator.kind for cost in result.operators]
  assert Kind.CONV_2D in kinds and Kind.DEPTHWISE_CONV_2D in kinds and Kind.SOFTMAX in kinds
  for cost in result.operators:
    if cost.operator.macs:
      # Sixteen at a time at best; portable code takes some twenty for few channels.
      assert 0.05 < cost.instructions_per_mac < 80, cost
  calls = sum(cost.operator.calls for cost in result.operators)
  assert 0 < result.executor_instructions < 200 * (calls + 10)
  assert 1_000 < result.validate_instructions < 100_000
  assert 100 < result.stack < 2_000 and 100 < result.validate_stack < 2_000
  assert result.code_bytes == sum(result.code_by_file.values()) > 10_000
  assert {'executor', 'validate', 'conv'} <= set(result.code_by_file)
  assert not any('main' in name or 'timed' in name for name in result.code_by_file)


def test_counts_repeat_and_do_not_depend_on_other_models(tmp_path, m4):
  path = fresh(tmp_path)
  first = bench(path, 'cortex-m4')
  other = ModelBuilder(4)
  other.output(other.conv(other.input((1, 8, 8, 3)), 4))
  bench(fresh(tmp_path, other.build(), 'other.tflite'), 'cortex-m4')
  again = bench(path, 'M4')
  assert again == first


def test_optimization_is_obeyed(tmp_path, m4):
  workload = prepare(fresh(tmp_path))
  fast, small = (measure(workload, m4, flag) for flag in ('-O3', '-Os'))
  assert fast.bit_exact and small.bit_exact
  assert fast.instructions < small.instructions and fast.code_bytes > small.code_bytes
  default = measure(workload, m4)
  assert default.optimization == '-O2' and small.code_bytes < default.code_bytes < fast.code_bytes


@pytest.mark.parametrize(
  'how',
  [
    ConvertOptions(int8_io=True),
    ConvertOptions(input_rows=3),
    ConvertOptions(keep_input=True),
    ConvertOptions(plan=PlanOptions(schedule='patch')),
  ],
)
def test_conversions(tmp_path, m4, how):
  b = ModelBuilder(6)
  x = b.quantize(b.input((1, 12, 8, 3), DType.FLOAT32)) if how.int8_io else b.input((1, 12, 8, 3))
  x = b.conv(x, 6, 3, 1)
  b.output(b.fully_connected(b.mean(x), 4))
  result = bench(fresh(tmp_path, b.build()), 'cortex-m4', how)
  assert result.bit_exact
  kinds = {cost.operator.kind for cost in result.operators}
  assert (Kind.FEED in kinds) == (how.input_rows is not None)
  if how.input_rows is None:
    assert result.bands == 1 and result.longest_band == result.instructions
  else:
    # 12 rows in bands of three; the last one also runs what waits for the whole frame.
    assert result.bands == 4
    assert result.instructions / 4 < result.longest_band < result.instructions
  assert ('longest band' in bench_summary(result, [])) == (result.bands > 1)
  assert result.to_json()['longest_band'] == result.longest_band
  assert Kind.QUANTIZE not in kinds


def test_a_hop_is_measured_alone(tmp_path, core):
  """Of a window that is full: what fills it is not counted."""
  cpu = core.name
  data = windowed(4, 'VALID')
  path = fresh(tmp_path, data.data)
  whole = bench(path, cpu, ConvertOptions(force_stage=True))
  hop = bench(path, cpu, ConvertOptions(hop=data.strides))
  assert hop.bit_exact and hop.bands == 1
  assert hop.longest_band == hop.instructions < whole.instructions


def test_a_converted_model(tmp_path, m4):
  converted = convert_model(network(), ConvertOptions(force_stage=True))
  result = bench(fresh(tmp_path, converted.data), 'cortex-m4')
  assert result.bit_exact and not result.compared_with_original
  assert dataclasses.replace(result, compared_with_original=True) == bench(
    fresh(tmp_path), 'cortex-m4'
  )


def test_several_stages_and_operators_between(tmp_path, m4):
  b = ModelBuilder(8)
  x = b.conv(b.input((1, 8, 8, 4)), 8)
  x = b.leaky_relu(x, -0.5)
  b.output(b.conv(x, 4))
  result = bench(fresh(tmp_path, b.build()), 'cortex-m4')
  assert result.bit_exact and len(result.stock_operators) == 1
  assert {cost.stage for cost in result.operators} == {0, 1}


def test_a_wrong_byte_is_found(tmp_path, m4):
  workload = prepare(fresh(tmp_path))
  (job,) = workload.jobs
  (output,) = job.outputs
  wrong = output.data.copy()
  wrong.flat[-1] ^= 1
  changed = dataclasses.replace(job, outputs=[dataclasses.replace(output, data=wrong)])
  assert measure(workload, m4).bit_exact
  result = measure(dataclasses.replace(workload, jobs=(changed,)), m4)
  assert not result.bit_exact
  assert result.exact_on_host and result.different_bytes == 1 and result.stray_bytes == 0


def test_a_conversion_that_is_not_exact_is_not_called_exact(tmp_path, m4):
  workload = dataclasses.replace(prepare(fresh(tmp_path)), exact=False)
  assert not measure(workload, m4).bit_exact


@pytest.mark.parametrize('at', [0, 20, 61, 200])
def test_a_damaged_program_is_rejected(tmp_path, m4, at):
  workload = prepare(fresh(tmp_path))
  (job,) = workload.jobs
  damaged = bytearray(job.program)
  damaged[at] ^= 0x5A
  changed = dataclasses.replace(job, program=bytes(damaged))
  with pytest.raises(TflmPatchError, match=r'rejected|ended with code|needs .* bytes of memory'):
    measure(dataclasses.replace(workload, jobs=(changed,)), m4)


def test_a_tensor_of_another_size_is_rejected(tmp_path, m4):
  workload = prepare(fresh(tmp_path))
  (job,) = workload.jobs
  (source,) = job.inputs
  short = dataclasses.replace(source, data=source.data.ravel()[4:], bytes=source.bytes - 4)
  changed = dataclasses.replace(job, inputs=[short])
  with pytest.raises(TflmPatchError, match='rejected'):
    measure(dataclasses.replace(workload, jobs=(changed,)), m4)


def test_a_model_larger_than_the_machine(tmp_path, m4):
  workload = prepare(fresh(tmp_path))
  (job,) = workload.jobs
  large = dataclasses.replace(job, constants=job.constants + bytes(1 << 24))
  with pytest.raises(TflmPatchError, match=r'needs .* bytes of memory on cortex-m4'):
    measure(dataclasses.replace(workload, jobs=(large,)), m4)


def test_work_of_a_plan_is_that_of_its_program():
  for data, how in (
    (network(), ConvertOptions(force_stage=True)),
    (network(), ConvertOptions(force_stage=True, input_rows=1)),
  ):
    for stage in convert_model(data, how).stages:
      work = work_of_program(stage.encoded.program)
      assert work == work_of_plan(stage.plan)
      assert sum(operator.macs for operator in work) == stage.plan.macs
      assert sum(operator.calls for operator in work) <= stage.plan.dispatches


def test_an_unusable_cache(tmp_path, m4, monkeypatch):
  (tmp_path / 'file').touch()
  monkeypatch.setenv(image.CACHE, str(tmp_path / 'file'))
  with pytest.raises(TflmPatchError, match=image.CACHE):
    image.build(m4)


def test_the_image_is_built_once(tmp_path, m4, monkeypatch):
  monkeypatch.setenv(image.CACHE, str(tmp_path))
  first = image.build(m4)
  made = {file: file.stat().st_ino for file in first.path.parent.iterdir()}
  assert image.build(m4) == first
  assert {file: file.stat().st_ino for file in first.path.parent.iterdir()} == made
  assert all(file.is_file() for file in made)


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('m7', 'cortex-m7'),
    ('Arm Cortex-M4F', 'cortex-m4'),
    ('CORTEX_M55', 'cortex-m55'),
    ('rv32', 'riscv32'),
  ],
)
def test_names_of_cores(name, expected):
  assert cpus.find(name).name == expected


@pytest.mark.parametrize('name', ['', 'm5', 'cortex', 'x86', 'cortex-m4 '.ljust(300, 'x')])
def test_names_of_no_core(name):
  with pytest.raises(TflmPatchError, match=r'cortex-m55|did you mean'):
    cpus.find(name)


def test_cycles(tmp_path, m4):
  workload = prepare(fresh(tmp_path))
  result = measure(workload, m4)
  if result.cycles is None:
    pytest.skip(result.cycles_missing)
  total = result.cycles.total
  # The machine's clock ticks every 40 instructions. The plugin counts whole blocks: where the
  # clock ends one early, its rest counts.
  assert result.instructions - 2 * 40 <= total.instructions <= 1.02 * result.instructions
  assert total.instructions < total.least < total.cycles < total.most < 3 * total.instructions
  assert total.waits == 0 and result.cycles.longest_band == total.cycles
  kernels = sum(cost.cycles for cost in result.operators)
  assert kernels + result.cycles.executor == total.cycles
  assert all(cost.instructions < cost.cycles < 3 * cost.instructions for cost in result.operators)
  assert 0 < result.cycles.executor < 0.2 * total.cycles
  assert result.validate_instructions < result.cycles.validate < 3 * result.validate_instructions
  assert f'{total.cycles:,}' in bench_summary(result, [])
  slow = measure(workload, m4, flash=Flash(5))
  assert slow.cycles.total.waits > 0 and slow.cycles.wait_states == 5
  assert slow.cycles.total.cycles == total.cycles + slow.cycles.total.waits
  assert 'flash of 5 wait states' in bench_summary(slow, [])


def test_cycles_of_bands(tmp_path, m4):
  result = bench(fresh(tmp_path), 'cortex-m4', ConvertOptions(input_rows=2))
  if result.cycles is None:
    pytest.skip(result.cycles_missing)
  assert result.bands == 9
  ratio = result.cycles.longest_band / result.cycles.total.cycles
  assert abs(ratio - result.longest_band / result.instructions) < 0.05


def test_cores_without_timings_say_so(tmp_path, core):
  result = bench(fresh(tmp_path), core.name)
  assert (result.cycles is None) == (result.cycles_missing is not None)
  if core.name in ('cortex-m7', 'cortex-m55', 'riscv32'):
    assert 'no timings' in result.cycles_missing
    assert result.cycles_missing in bench_summary(result, [])


def test_an_emulator_without_plugins(tmp_path, m4, monkeypatch):
  monkeypatch.setattr(plugin, 'LIBRARY', tmp_path / 'none.so')
  plugin.why_not.cache_clear()
  try:
    result = bench(fresh(tmp_path), 'cortex-m4')
  finally:
    plugin.why_not.cache_clear()
  assert result.cycles is None and 'without its QEMU plugin' in result.cycles_missing
  assert result.bit_exact and result.to_json()['cycles'] is None


def test_estimates_from_cycles():
  (chip,) = [chip for chip in all_targets() if chip.name == 'stm32l4r5']
  (found,) = estimates(1_000_000, 'cortex-m4', [chip], 1_500_000)
  assert (found.cycles, found.cycles_per_instruction) == (1_500_000, 1.5)
  assert np.isclose(found.milliseconds, 1.5e9 / chip.clock_hz)


def test_estimates():
  assert set(CYCLES_PER_INSTRUCTION) == set(cpus.CPUS)
  found = {estimate.target: estimate for estimate in estimates(100_000_000, 'cortex-m7')}
  assert set(found) == {chip.name for chip in all_targets() if core_of(chip) == 'cortex-m7'}
  chip = found['stm32f746']
  assert np.isclose(chip.milliseconds, 1e5 * chip.cycles_per_instruction / (chip.clock_hz / 1e6))
