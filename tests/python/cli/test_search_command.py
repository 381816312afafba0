# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch search: help, and what is wrong said in one line; one search, judged by its work."""

import json

import numpy as np
import pytest

from tflm_patch.cli.data_flags import command_line
from tflm_patch.cli.main import main, parser
from tflm_patch.cli.search import _define, _objectives, _options, parse_settings

SPACE = {
  'name': 'tiny',
  'inputs': [[8, 8, 1]],
  'stem': ['conv3_s2_c8'],
  'stages': [{'block': 'ir_c8', 'depths': [1, 2], 'expansions': [2, 4]}],
}


def lines(capsys):
  return capsys.readouterr().err.splitlines()


def photos(folder, counts):
  image_module = pytest.importorskip('PIL.Image')
  rng = np.random.default_rng(1)
  for name, count in counts.items():
    (folder / name).mkdir(parents=True)
    for number in range(count):
      pixels = rng.integers(0, 256, (8, 8), np.uint8)
      image_module.fromarray(pixels).save(folder / name / f'{number}.png')
  return folder


@pytest.fixture
def space(tmp_path):
  file = tmp_path / 'tiny.json'
  file.write_text(json.dumps(SPACE))
  return str(file)


def test_defaults_are_in_the_help(capsys):
  assert main(['search', '--help']) == 0
  text = ' '.join(capsys.readouterr().out.split())
  for part in (
    'default: DATA_search in the current folder',
    'default: 100; no limit with minutes',
    'what is searched, see docs/search_spaces.md (default: mcunet)',
    'of each candidate (default: 3)',
    'default: arena,flash,macs',
  ):
    assert part in text, part


@pytest.mark.parametrize(
  ('more', 'code', 'message'),
  [
    (['--resume', '--overwrite'], 2, 'exclude each other'),
    (['--trials', '0'], 2, 'no whole number of at least 1'),
    (['--settings', 'population'], 2, 'is no setting; write for example population=20'),
    (['--settings', 'size=3'], 1, '"size": unknown setting of evolution'),
    (['--strategy', 'evolutio'], 1, 'did you mean "evolution"'),
    (['--fitness', 'synflo'], 1, 'did you mean "synflow"'),
    (['--prefilter', 'flop'], 1, '"flop": unknown proxy; did you mean "flops"'),
    (['--prefilter', 'flops=a'], 2, 'is no prefilter; write for example flops=8'),
    (['--prefilter', 'flops=1'], 2, 'to choose among 2 or more'),
    (['--prefilter', 'flops', '--strategy', 'greedy'], 1, 'greedy draws nothing by chance'),
    (['--space', 'mcunett'], 1, 'did you mean "mcunet"'),
    (['--target', 'stm32f413'], 1, 'unknown target'),
    (['--axes', 'speed'], 1, '"speed": unknown cost'),
    (['--milliseconds', '5'], 1, 'milliseconds are those of a chip'),
    (['--search-share', '2'], 1, 'share is 2.0'),
    ([], 1, 'no such file or folder'),
  ],
)
def test_mistakes_are_one_line(tmp_path, capsys, more, code, message):
  data, out = tmp_path / 'none', tmp_path / 'out'
  assert main(['search', '--data', str(data), '-o', str(out), *more]) == code
  (line,) = lines(capsys)
  assert message in line
  assert not out.exists() or not any(out.iterdir())


@pytest.mark.parametrize(
  ('counts', 'message'),
  [
    ({'cat': 3, 'dog': 0}, 'class "dog" has no image'),
    ({'cat': 3}, '1 class; images must lie in a folder for each class'),
    ({'cat': 9, 'dog': 2}, 'class "dog" has 1 examples to train with; a search needs 2'),
    ({}, 'no image in it'),
  ],
)
def test_data_that_are_too_few(tmp_path, capsys, space, counts, message):
  folder = tmp_path / 'photos'
  folder.mkdir()
  photos(folder, counts)
  arguments = ['--data', str(folder), '--space', space, '-o', str(tmp_path / 'out')]
  assert main(['search', *arguments]) == 1
  (line,) = lines(capsys)
  assert message in line


def test_limits_that_nothing_keeps(tmp_path, capsys, space):
  data = photos(tmp_path / 'photos', {'cat': 10, 'dog': 10})
  arguments = ['--data', str(data), '--space', space, '-o', str(tmp_path / 'out')]
  assert main(['search', *arguments, '--arena', '300', '--fitness', 'flops']) == 1
  (line,) = lines(capsys)
  assert 'nothing keeps the limits' in line and 'above 300 bytes' in line


def parsed(*more):
  return parser().parse_args(['search', '--data', 'photos', *more])


def test_what_is_asked_for():
  words = (
    *('--arena', '32KB', '--target', 'stm32f412', '--milliseconds', '50', '--input-rows', '2'),
    *('--settings', 'population=20,mutation=0.2', '--axes', 'arena,milliseconds', '--no-flip'),
    *('--minutes', '60', '--top', '3', '--seed', '7', '--search-epochs', '5'),
  )
  goals, options = _objectives(parsed(*words)), _options(parsed(*words))
  assert goals.limits == {'arena': 32768, 'milliseconds': 50, 'flash': 1048576}
  assert goals.axes == ('arena', 'milliseconds') and goals.input_rows == 2
  assert options.settings == {'population': 20, 'mutation': 0.2} and options.effort.epochs == 5
  assert options.final_training.minutes == pytest.approx(8) and options.final_training.seed == 7
  assert not options.training.augmentation.flip and not options.effort.training.augmentation.flip
  command = command_line('search', _define, parsed(*words), 'out')
  again = parser().parse_args(command.split()[1:])
  assert vars(again) == {**vars(parsed(*words)), 'output': 'out'}


def test_settings():
  assert parse_settings('a=2,b=0.5') == {'a': 2, 'b': 0.5} and parse_settings('') == {}
  for text in ('a', '=3', 'a=x', 'a=-1'):
    with pytest.raises(ValueError):
      parse_settings(text)
