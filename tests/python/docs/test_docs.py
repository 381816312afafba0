# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The pages say what is true: commands run, tables are up to date."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import pathlib
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from support import real_models

import tflm_patch
from tflm_patch.api import ConvertOptions, convert, convert_model
from tflm_patch.cli.main import main
from tflm_patch.conversion.plugins import STAGE, STATES, all_plugins
from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.quantization.layers.document import document as layer_document
from tflm_patch.quantization.model_io import require_keras
from tflm_patch.report.supported_operators import document
from tflm_patch.sample.sample import sample_model_path

ROOT = pathlib.Path(__file__).resolve().parents[3]
README = ROOT / 'README.md'
RESULTS = ROOT / 'docs/results.md'
BENCHMARK = ROOT / 'benchmarks/arena_table.py'
PAGES = [README, *sorted((ROOT / 'docs').glob('*.md'))]
EMULATION = ('arm-none-eabi-gcc', 'qemu-system-arm')
BLOCK = re.compile(r'^```python\n(.*?)^```', re.DOTALL | re.MULTILINE)
RUNS = re.compile(r'^```python', re.MULTILINE)  # not those within lists, which are fragments
COMMAND = re.compile(r'^tflm-patch .*$', re.MULTILINE)
TABLE_ROW = re.compile(r'^\| (\S+)( --int8-io)? \| [\d,]+ \| \*\*.*$', re.MULTILINE)
TABLE = list(TABLE_ROW.finditer(RESULTS.read_text()))


def blocks(page: pathlib.Path, language: str) -> str:
  return '\n'.join(re.findall(rf'```{language}\n(.*?)```', page.read_text(), re.DOTALL))


# Pages whose commands read Keras models, samples or data.
KERAS_PAGES = (
  *('adapt.md', 'anomaly.md', 'detection.md', 'graphs.md', 'quantize.md', 'search.md'),
  'sequences.md',
  'train.md',
)
# tests/python/nas/engines/test_ray_cluster.py runs those that need a cluster.
WITH_COMMANDS = [
  page for page in PAGES if COMMAND.search(blocks(page, 'sh')) and page.name != 'cluster.md'
]


@pytest.fixture
def folder(tmp_path):
  """A folder with a model.tflite, as the pages suppose it."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  shutil.copy(sample_model_path(), tmp_path / 'model.tflite')
  return tmp_path


def test_supported_operators_is_up_to_date():
  assert (ROOT / 'docs/supported_operators.md').read_text() == document()


def test_every_plugin_is_listed():
  listed = re.findall(r'^\| `(\w+)` \|', (ROOT / 'docs/convert.md').read_text(), re.MULTILINE)
  ours = [
    entry.name
    for entry in all_plugins()
    if type(entry.plugin).__module__.startswith('converter_plugins.')
  ]
  assert listed == [*ours, STATES, STAGE]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
  for target in re.findall(r'\]\(([^)#]+)\)', page.read_text()):
    assert (page.parent / target).exists(), target


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_files_named_exist(page):
  for name in re.findall(
    r'`((?:converter_plugins|micro_kernels|tests|tflm_patch|docs)/[^`<*]*)`', page.read_text()
  ):
    assert (ROOT / name).exists(), name


def test_layers_that_quantize_knows_are_up_to_date():
  page = ROOT / 'docs/quantize.md'
  listed = re.search(r'<!-- layers -->\n(.*)\n<!-- end of layers -->', page.read_text(), re.DOTALL)
  assert listed[1] == layer_document(), 'python -m tflm_patch.quantization.layers.document'


EXACT = """
%s
from tflm_patch.runtime.tflm import Interpreter
interpreter = Interpreter(open('model.tflite', 'rb').read())
inputs = np.random.default_rng(1).integers(-128, 128, inputs.shape).astype(np.int8)
for each, found in zip(inputs, network.run_bytes([inputs])[0], strict=True):
  (wanted,) = interpreter.invoke([each[None]])
  np.testing.assert_array_equal(found[None], wanted)
"""


def make_keras_files(page, folder):
  """The model and the samples that the page's own Python makes."""
  for module in re.findall(r'^(?:import|from) (\w+)', python_blocks(page)[0], re.MULTILINE):
    pytest.importorskip(module, reason=f'{module} is not installed')
  try:
    require_keras()
  except EnvironmentMissing as error:
    pytest.skip(str(error))
  run = subprocess.run(
    [sys.executable, '-c', python_blocks(page)[0]], cwd=folder, capture_output=True, text=True
  )
  assert run.returncode == 0, run.stderr


def environment(page):
  """Of a page's code: what trains at length does so on TensorFlow, as docs/train.md says."""
  if page.name not in ('anomaly.md', 'train.md', 'search.md', 'detection.md'):
    return None
  pytest.importorskip('tensorflow')
  return {**os.environ, 'KERAS_BACKEND': 'tensorflow'}


def python_blocks(page):
  return re.findall(r'```python\n(.*?)```', page.read_text(), re.DOTALL)


@pytest.mark.slow
def test_the_exact_forward_pass_of_the_page(folder):
  page = ROOT / 'docs/quantize.md'
  make_keras_files(page, folder)
  main(['quantize', str(folder / 'model.keras'), '--samples', str(folder / 'samples.npz')])
  run = subprocess.run(
    [sys.executable, '-c', EXACT % python_blocks(page)[1]],
    cwd=folder,
    capture_output=True,
    text=True,
  )
  assert run.returncode == 0, run.stderr


@pytest.mark.slow
@pytest.mark.parametrize('page', WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_of_the_page_run(page, folder):
  if page.name in KERAS_PAGES:
    if page.name == 'detection.md':
      pytest.importorskip('pycocotools')
    make_keras_files(page, folder)
  for command in COMMAND.findall(blocks(page, 'sh')):
    arguments = shlex.split(command, comments=True)[1:]
    if arguments[0] == 'bench' and None in map(shutil.which, EMULATION):
      pytest.skip(f'{" or ".join(EMULATION)} is not installed')
    run = subprocess.run(
      [sys.executable, '-m', 'tflm_patch.cli.main', *arguments],
      cwd=folder,
      env=environment(page),
      capture_output=True,
      text=True,
    )
    assert run.returncode == 0, (command, run.stderr)


def is_public(module: str, name: str | None = None) -> bool:
  """Whether a module, or a name of one, is for users: packages with `__all__` and what is in it."""
  found = importlib.import_module(module)
  if not hasattr(found, '__path__') or not hasattr(found, '__all__'):
    return False
  if name is None or name in found.__all__:
    return True
  below = f'{module}.{name}'
  return importlib.util.find_spec(below) is not None and is_public(below)


def used_names(code: str) -> list[tuple[str, str | None]]:
  """Of our package, (module, name) of every import and attribute in Python code."""
  tree, found = ast.parse(code), []
  for node in ast.walk(tree):
    if isinstance(node, ast.ImportFrom) and node.module:
      found += [(node.module, alias.name) for alias in node.names]
    elif isinstance(node, ast.Import):
      found += [(alias.name, None) for alias in node.names]
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
      found.append((node.value.id, node.attr))
  return [(module, name) for module, name in found if module.split('.')[0] == 'tflm_patch']


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_pages_name_only_what_is_public(page):
  """In their Python, and where the text says `tflm_patch.something`."""
  code = ''.join(block for block in BLOCK.findall(page.read_text()) if 'tflm_patch' in block)
  found = used_names(code)
  for path in re.findall(r'`tflm_patch\.([\w.]+)', page.read_text()):
    *packages, name = path.split('.')
    if not path.endswith(('.h', '.mk')) and name not in ('h', 'mk'):
      found.append(('.'.join(['tflm_patch', *packages]), name))
  for module, name in found:
    assert is_public(module, name), (module, name)


def test_internals_are_not_public():
  assert is_public('tflm_patch', 'convert') and is_public('tflm_patch.export', 'export')
  assert is_public('tflm_patch', 'export')
  assert not is_public('tflm_patch', 'cli') and not is_public('tflm_patch.export.exporter')
  assert not is_public('tflm_patch.planner.options', 'PlanOptions')


@pytest.mark.parametrize(
  'package',
  [
    'tflm_patch',
    *sorted(
      f'tflm_patch.{module.name}'
      for module in pkgutil.iter_modules(tflm_patch.__path__)
      if module.ispkg and is_public(f'tflm_patch.{module.name}')
    ),
  ],
)
def test_public_names_exist_and_say_what_they_are(package):
  found = importlib.import_module(package)
  for name in found.__all__:
    try:
      value = getattr(found, name)
    except EnvironmentMissing as missing:
      pytest.skip(str(missing))
    if callable(value):
      assert value.__doc__, name


def test_the_package_is_imported_quickly():
  """Nothing of it, and no package it needs, is loaded before it is used."""
  script = 'import sys, tflm_patch; print(*sorted(sys.modules))'
  loaded = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True).stdout
  modules = loaded.split()
  assert 'numpy' not in modules
  assert {name for name in modules if name.startswith('tflm_patch')} <= {
    'tflm_patch',
    'tflm_patch.version',
  }


@pytest.mark.slow
@pytest.mark.parametrize(
  'page', [page for page in PAGES if RUNS.search(page.read_text())], ids=lambda page: page.name
)
def test_python_of_the_page_runs(page, folder):
  """What imports packages that are not installed here is left out."""
  code = blocks(page, 'python')
  for module in re.findall(r'^(?:import|from) (\w+)', code, re.MULTILINE):
    pytest.importorskip(module, reason=f'{module} is not installed')
  convert(folder / 'model.tflite')
  run = subprocess.run(
    [sys.executable, '-c', code], cwd=folder, env=environment(page), capture_output=True, text=True
  )
  assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_python_of_the_readme_runs(folder):
  run = subprocess.run(
    [sys.executable, '-c', blocks(README, 'python')], cwd=folder, capture_output=True, text=True
  )
  assert run.returncode == 0, run.stderr
  before, after = map(int, run.stdout.split())
  assert after < before


def test_make_targets_of_the_readme_exist():
  targets = re.findall(r'^make (\w+)', blocks(README, 'sh'), re.MULTILINE)
  rules = re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
  assert targets == ['demo', 'test'] and set(targets) <= set(rules)


@pytest.mark.slow
@pytest.mark.parametrize('match', TABLE, ids=lambda match: ''.join(filter(None, match.groups())))
def test_table_of_results_is_up_to_date(match):
  """Against the prediction, which other tests hold to what TFLM measures."""
  name, int8_io = match.groups()
  path = sample_model_path()
  if name != path.stem:
    path = real_models.FOLDER / f'{name}.tflite'
    if not path.exists():
      pytest.skip(real_models.MISSING)
  result = convert_model(path.read_bytes(), ConvertOptions(int8_io=bool(int8_io)), name)
  stock, ours = result.original_arena, result.converted_arena
  expected = [
    f'{name}{int8_io or ""}',
    f'{stock.total:,}',
    f'**{ours.total:,}** ({ours.head:,} + {ours.tail:,})',
    f'{stock.total / ours.total:.1f}x',
  ]
  if match[0].split('|')[5].strip() == '-':
    with pytest.raises(TflmPatchError):
      convert_model(path.read_bytes(), fed_by_rows(int8_io), name)
    expected += ['-', '-']
  else:
    fed = convert_model(path.read_bytes(), fed_by_rows(int8_io), name).converted_arena
    expected += [f'{fed.total:,}', f'{stock.total / fed.total:.1f}x']
  expected += [f'{result.original_bytes:,}', f'{result.converted_bytes:,}']
  host = result.original_arena_host, result.converted_arena_host
  expected += [f'{arena.total:,}' for arena in host]
  found = [cell.strip() for cell in match[0].split('|')[1:11]]
  assert found == expected, f'python benchmarks/{BENCHMARK.name} --update docs/results.md README.md'


def fed_by_rows(int8_io):
  return ConvertOptions(int8_io=bool(int8_io), input_rows=1)


def benchmark(models: pathlib.Path, *arguments: object) -> subprocess.CompletedProcess[str]:
  return subprocess.run(
    [sys.executable, BENCHMARK, '--inputs', '1', *map(str, arguments)],
    env={**os.environ, 'TFLM_PATCH_MODELS': str(models), 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
  )


@pytest.mark.slow
def test_benchmark_measures_what_the_results_say(folder):
  (folder / 'none').mkdir()
  run = benchmark(folder / 'none')
  assert run.returncode == 0, run.stderr
  # All but the time, the last column.
  measured = run.stdout.splitlines()[2].rsplit('|', 2)[0]
  assert measured == TABLE[0][0].rsplit('|', 2)[0]


@pytest.mark.parametrize(
  'name, whole', [('arena table', RESULTS), ('mlperf tiny', ROOT / 'docs/speed.md')]
)
def test_tables_of_the_readme_are_lines_of_the_whole_ones(name, whole):
  def lines(page):
    table = re.search(rf'<!-- {name}[^\n]*-->\n(.*?)<!-- end of', page.read_text(), re.DOTALL)
    return table[1].splitlines()

  assert len(lines(README)) > 2
  assert set(lines(README)) < set(lines(whole))


def test_sizes_of_the_readme_are_those_of_the_export_page():
  page = (ROOT / 'docs/export.md').read_text()
  for what, said in (
    ('executor and all kernels', r'all kernels take (\d+) KB'),
    ('mlperf_vww_96_int8: executor and its kernels', r'visual wake words need (\d+) KB'),
  ):
    size = re.search(rf'^\| Cortex-M4, {what} \| ([\d,]+) \|', page, re.MULTILINE)
    assert size is not None, what
    in_kilobytes = round(int(size[1].replace(',', '')) / 1024)
    assert int(re.search(said, README.read_text())[1]) == in_kilobytes, what


@pytest.mark.slow
def test_benchmark_updates_some_lines_of_a_page(folder):
  page = folder / 'page.md'
  page.write_text('<!-- arena table: model -->\n<!-- end of arena table -->\n')
  assert benchmark(folder, '--update', page).returncode == 0
  assert [row.group(1) for row in TABLE_ROW.finditer(page.read_text())] == ['model']
  before = page.read_text().replace(': model', ': other')
  page.write_text(before)
  run = benchmark(folder, '--update', page)
  assert run.returncode == 1 and 'no line "other"' in run.stderr and page.read_text() == before


@pytest.mark.slow
def test_benchmark_updates_a_file(folder):
  page = folder / 'page.md'
  page.write_text('before\n<!-- arena table -->\nold\n<!-- end of arena table -->\nafter\n')
  run = benchmark(folder, '--update', page)
  assert run.returncode == 0, run.stderr
  text = page.read_text()
  assert text.startswith('before\n') and text.endswith('\nafter\n') and 'old' not in text
  assert [row.group(1) for row in TABLE_ROW.finditer(text)] == [sample_model_path().stem, 'model']


@pytest.mark.slow
def test_benchmark_never_writes_a_partial_table(folder):
  (folder / 'none').mkdir()
  page = folder / 'page.md'
  page.write_text('no markers')
  for models in (folder / 'none', folder):
    run = benchmark(models, '--update', page)
    assert run.returncode == 1 and 'Traceback' not in run.stderr
    assert page.read_text() == 'no markers'
