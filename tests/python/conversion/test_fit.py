# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Does it fit: of files, graphs and specs; of many specs over processes."""

from __future__ import annotations

import dataclasses
import json

import pytest
from support.model_builder import ModelBuilder

from tflm_patch import targets
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.architecture import SpecError, named, parse_spec, to_graph
from tflm_patch.architecture.spaces import MCUNET
from tflm_patch.cli.main import main
from tflm_patch.conversion import fit_batch
from tflm_patch.conversion.fit import FitOptions, fit_table, fits
from tflm_patch.conversion.fit_types import Budget, Gear
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType

CHIP = targets.load('stm32f412')


def chip(arena, flash=None, name='mine'):
  return dataclasses.replace(
    CHIP, name=name, sram_bytes=arena, sram_contiguous_bytes=arena, flash_bytes=flash
  )


@pytest.fixture(scope='module')
def data():
  """A network whose image bounds its arena, and whose blocks can be joined."""
  b = ModelBuilder(4)
  x = b.conv(b.input((1, 48, 48, 3)), 8, 3, 2, activation='RELU6')
  for stride in (1, 2, 1):
    y = b.conv(x, 48, 1, activation='RELU6')
    y = b.depthwise(y, 1, 3, stride, activation='RELU6')
    y = b.conv(y, 8, 1)
    x = b.add(x, y) if stride == 1 else y
  b.output(b.fully_connected(b.mean(x), 3))
  return b.build()


@pytest.fixture(scope='module')
def plain(data):
  return convert_model(data)


@pytest.fixture
def path(data, tmp_path):
  file = tmp_path / 'model.tflite'
  file.write_bytes(data)
  return file


def test_a_file(path, plain):
  need = plain.converted_arena.required
  for limit in (need - 1, need):
    fit = fits(path, chip(limit))
    assert fit.fits == (need <= limit)
    assert fit.spare_bytes == limit - need
    assert (fit.arena_required, fit.arena_limit, fit.gear) == (need, limit, Gear.FULL)
    assert fit.arena == plain.converted_arena.total
    assert (fit.flash, fit.macs) == (plain.converted_bytes, plain.converted_macs)
    assert fit.instructions > fit.macs and fit.option == ''
    assert fit.cycles > 0 and fit.milliseconds == 1e3 * fit.cycles / chip(limit).clock_hz
    assert 'CONV_2D' in fit.bound_by or 'ADD' in fit.bound_by


def test_a_graph_is_as_its_file(path, data):
  assert fits(parse_model(data), CHIP) == fits(path, CHIP)


def test_flash_is_a_limit(path, plain):
  size = plain.converted_bytes
  assert fits(path, chip(1 << 20, size)).fits
  fit = fits(path, chip(1 << 20, size - 1), FitOptions(try_options=True))
  assert not fit.fits and fit.bound_by == 'flash' and fit.option == ''


def test_what_is_kept_for_the_rest(path, plain):
  need = plain.converted_arena.required
  assert fits(path, chip(need + 100), FitOptions(reserve_bytes=100)).fits
  assert not fits(path, chip(need + 100), FitOptions(reserve_bytes=101)).fits
  fit = fits(path, chip(1000), FitOptions(reserve_bytes=2000, try_options=True))
  assert not fit.fits and fit.arena_limit == -1000 and fit.option == ''


@pytest.mark.slow
def test_options_that_make_it_fit(path, data, plain):
  """The first that does, in the order of what they cost; it does what it says."""
  need = plain.converted_arena.required
  found = {}
  for limit in range(need - 1, 1500, -need // 14):
    fit = fits(path, chip(limit), FitOptions(try_options=True))
    assert not fit.fits
    if fit.option:
      found.setdefault(fit.option, (limit, fit.option_arena))
  assert '--target mine --input-rows 1' in found
  for option, (limit, arena) in found.items():
    words = option.removeprefix('--target mine').split()
    said = dict(zip(words[::2], words[1::2]))
    base = ConvertOptions()
    plan = dataclasses.replace(
      base.plan, arena_bytes=limit, max_overhead=float(said.get('--max-overhead', 1))
    )
    rows = int(said['--input-rows']) if '--input-rows' in said else None
    result = convert_model(data, dataclasses.replace(base, plan=plan, input_rows=rows))
    assert result.converted_arena.total == arena
    assert result.converted_arena.required <= limit


def test_float_inputs_may_become_int8():
  b = ModelBuilder(4)
  x = b.quantize(b.input((1, 32, 32, 3), dtype=DType.FLOAT32))
  x = b.conv(x, 4, 3, 2)
  b.output(b.dequantize(b.fully_connected(b.mean(x), 3)))
  model = parse_model(b.build())
  fit = fits(model, chip(8 << 10), FitOptions(try_options=True))
  assert not fit.fits and fit.option == '--target mine --int8-io'
  inside = FitOptions(convert=ConvertOptions(int8_io=True))
  # With a target the plan may use memory up to be faster; without one it is the smallest.
  assert fits(model, chip(8 << 10), inside).arena <= fit.option_arena <= 8 << 10


@pytest.mark.slow
def test_a_table_is_as_single_answers(path):
  chips = targets.all_targets()
  table = fit_table(path, chips)
  assert table == [fits(path, each) for each in chips]


def test_specs_names_and_lines():
  spec = named('ds_cnn')
  exact = FitOptions(exact=True)
  assert fits(spec, CHIP, exact) == fits('ds_cnn', 'stm32f412', exact)
  assert fits('in49x10x1 conv10x4_s2_c64_relu ds3_c64_relu x4 poolfc12_softmax', CHIP, exact) == (
    fits(spec, CHIP, exact)
  )
  assert fits(spec, CHIP).fits
  graph = fits(to_graph(spec), CHIP, exact)
  assert (graph.arena, graph.macs) == (fits(spec, CHIP, exact).arena, fits(spec, CHIP).macs)


@pytest.mark.parametrize(
  ('subject', 'message'),
  [
    ('nosuch', 'unknown architecture'),
    ('nosuch.tflite', 'no such file'),
    ('in8x8x3 cnv3_c8 fc2', '"cnv3_c8": unknown block'),
    ('in8x8x3 conv3_s9_c8 fc2', '"conv3_s9_c8": stride 9 is larger than the map of 8x8'),
  ],
)
def test_errors(subject, message):
  with pytest.raises(TflmPatchError, match=message):
    fits(subject, CHIP)


def test_unknown_target():
  with pytest.raises(TflmPatchError, match='unknown target'):
    fits('ds_cnn', 'stm32f413')


@pytest.mark.slow
def test_processes_say_the_same():
  specs = MCUNET.samples(70, seed=8)
  budget = Budget(60_000, 1 << 20, name='b')
  alone = fit_batch.fits_many(specs, budget)
  assert fit_batch.fits_many(specs, budget, processes=2) == alone
  assert len({fit.verdict for fit in alone}) == 2
  exact = fit_batch.fits_many(specs[:34], CHIP, exact=True, processes=2)
  assert exact == fit_batch.fits_many(specs[:34], CHIP, exact=True)
  assert all(fit.gear is Gear.FULL and fit.instructions for fit in exact)


@pytest.mark.slow
def test_errors_of_other_processes():
  specs = [*MCUNET.samples(40, seed=8), parse_spec('in8x8x3 conv3_s9_c8 fc2')]
  with pytest.raises(SpecError, match='"conv3_s9_c8": stride 9'):
    fit_batch.fits_many(specs, Budget(60_000), processes=2)


def test_a_process_that_ends(monkeypatch):
  monkeypatch.setattr(fit_batch, '_WORKER', 'import os\nos._exit(3)\n')
  with pytest.raises(TflmPatchError, match='ended with code 3'):
    fit_batch.fits_many(MCUNET.samples(40, seed=8), Budget(60_000), processes=2)


def run(capsys, *arguments):
  code = main(['fit', *map(str, arguments)])
  captured = capsys.readouterr()
  return code, captured.out, captured.err


def test_the_command(capsys, path, plain):
  code, out, _ = run(capsys, path)
  assert code == 0
  rows = [line.split() for line in out.splitlines()]
  assert [row[0] for row in rows[2:]] == [each.name for each in targets.all_targets()]
  assert all(f'{plain.converted_arena.total:,}' in row for row in rows[2:])
  code, out, _ = run(capsys, path, '--target', 'stm32f412', '--reserve', '64KB')
  assert code == 0 and out.startswith('stm32f412: fits\n')
  assert f'{262144 - 65536 - plain.converted_arena.required:,} left' in out


def test_the_command_for_machines(capsys, path, plain, tmp_path):
  small = tmp_path / 'small.json'
  limit = plain.converted_arena.required - 16
  values = dataclasses.asdict(chip(limit, name='small'))
  small.write_text(json.dumps(values))
  code, out, _ = run(capsys, path, '--target', small, '--json')
  found = json.loads(out)
  (fit,) = found['fits']
  assert code == 0 and found['schema_version'] == 1
  assert fit['verdict'] == 'does not fit' and fit['fits'] is False and fit['spare_bytes'] == -16
  assert fit['option'].startswith('--target small') and fit['option_arena'] <= limit
  code, out, _ = run(capsys, path, '--target', small)
  assert 'small: does not fit' in out and '16 missing' in out and 'fits with --target small' in out
  code, out, _ = run(capsys, path, '--target', small, '--no-options')
  assert 'fits with' not in out


def test_the_command_takes_specs(capsys):
  code, out, _ = run(capsys, 'ds_cnn', '--target', 'rp2040', '--json')
  assert code == 0 and json.loads(out)['fits'][0]['macs'] == 2_656_768


def test_errors_of_the_command(capsys):
  code, out, err = run(capsys, 'in8x8x3 conv3_c0 fc2')
  assert (code, out) == (1, '')
  assert err == 'tflm-patch: error: "conv3_c0": 0 channels; give from 1 to 65535\n'


def test_a_converted_model_does_the_work_of_its_stages(data):
  first = convert_model(data)
  assert fits(first.data, CHIP).macs == first.converted_macs > 0
  again = convert_model(first.data)
  assert again.original_macs == again.converted_macs == first.converted_macs
  damaged = bytearray(first.data)
  program = first.stages[0].encoded.program
  at = damaged.index(program)
  damaged[at : at + len(program)] = bytes(len(program))
  assert fits(bytes(damaged), CHIP).macs == 0
