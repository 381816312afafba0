# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch export, as a user meets it: outputs, arena, folders, errors."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support.firmware import converted, image_model, need, run

from tflm_patch.arena import FIRMWARE_32_INT_ENUMS, predict
from tflm_patch.codegen.arena_array import MARGIN, arena_header, figures
from tflm_patch.codegen.model import describe
from tflm_patch.codegen.names import Names
from tflm_patch.errors import TflmPatchError
from tflm_patch.export import FORMATS
from tflm_patch.export.folder import MANIFEST, write_folder
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Operator, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.arena_measurement import measure_arena

pytestmark = pytest.mark.slow


def command(*arguments, cwd=None):
  return subprocess.run(
    [sys.executable, '-m', 'tflm_patch.cli.main', 'export', *map(str, arguments)],
    cwd=cwd,
    capture_output=True,
    text=True,
  )


@pytest.fixture(scope='module')
def model(tmp_path_factory):
  path = tmp_path_factory.mktemp('model') / 'net_patch.tflite'
  path.write_bytes(converted())
  return path


def test_summary_for_machines(model, tmp_path):
  done = command(model, '--format', 'make', '-o', tmp_path / 'out', '--json')
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  assert found['schema_version'] == 1 and found['format'] == 'make'
  assert found['operators'] == ['TflmPatchStage'] and found['operators_to_bring'] == []
  assert 'CONV_2D' in found['kernels'] and found['runtimes'] == ['direct', 'tflm']
  assert all((tmp_path / 'out' / name).is_file() for name in found['files'])
  arena = found['arena']
  assert arena['pointer_bytes'] == 4
  assert arena['bytes'] - arena['margin'] >= arena['head'] + arena['tail']
  manifest = json.loads((tmp_path / 'out' / MANIFEST).read_text())
  assert manifest['files'] == found['files'] == sorted(found['files'])


def test_summary_for_people(model, tmp_path):
  done = command(model, '--format', 'zephyr', '-o', tmp_path / 'out')
  assert done.returncode == 0, done.stderr
  assert 'CONV_2D' in done.stdout and 'arena' in done.stdout and '32-bit' in done.stdout


def test_arena_constants(tmp_path):
  """The header's figures, as a compiler sees them, are the measured and the computed ones."""
  pytest.importorskip('tflite_micro')
  need('gcc')
  data = converted(image_model(float_output=True))
  info = describe(data)
  found = figures(info)
  assert found.measured and found.exact
  assert found.head == measure_arena(data).head
  assert found.tail == predict(info.model, build=FIRMWARE_32_INT_ENUMS).tail
  (tmp_path / 'net_arena.h').write_text(arena_header(found, Names('net', 'net.tflite', '1')))
  (tmp_path / 'main.c').write_text(
    '#include <stdio.h>\n#include "net_arena.h"\nint main(void) {\n'
    '  printf("%d %d %d", kNetArenaHeadBytes, kNetArenaTailBytes, kNetArenaBytes);\n}\n'
  )
  run('gcc', '-Wall', '-Wextra', '-Werror', tmp_path / 'main.c', '-o', tmp_path / 'main')
  assert run(tmp_path / 'main') == f'{found.head} {found.tail_64} {found.required_64 + MARGIN}'
  assert found.bytes == found.required + MARGIN >= found.head + found.tail + MARGIN


def test_arena_of_operators_that_are_not_known_is_marked():
  info = describe(converted())
  info.model.main.operators.append(Operator('CUSTOM', (0,), (), custom_name='mine'))
  text = arena_header(figures(info), Names('net', 'net.tflite', '1'))
  assert 'lower bounds' in text


@pytest.mark.parametrize(
  ('arguments', 'code', 'text'),
  [
    (['--format', 'gradle', '-o', 'out'], 1, 'unknown export format "gradle"'),
    (['--format', 'cmak', '-o', 'out'], 1, 'did you mean "cmake"'),
    (['-o', 'out'], 2, '--format is missing'),
    (['--format', 'make'], 2, '-o is missing'),
    (['--format', 'make', '-o', 'out', '--name', 'A b'], 1, '"A b" is no name'),
    (['--format', 'make', '-o', 'out', '--runtime', 'x'], 2, 'runtime'),
    (['--format', 'make', '-o', 'file/out'], 1, 'cannot be written'),
    (['--format', 'make', '-o', 'file'], 1, 'is a file'),
    (['--format', 'make', '-o', 'full'], 1, '--force'),
  ],
)
def test_wrong_command_lines(model, arguments, code, text, tmp_path):
  (tmp_path / 'file').write_text('')
  (tmp_path / 'full').mkdir()
  (tmp_path / 'full/mine').write_text('mine')
  done = command(model, *arguments, cwd=tmp_path)
  assert done.returncode == code and done.stderr.count('\n') == 1 and text in done.stderr
  assert sorted(os.listdir(tmp_path)) == ['file', 'full']
  assert os.listdir(tmp_path / 'full') == ['mine']


def test_wrong_models(tmp_path):
  plain = tmp_path / 'plain.tflite'
  plain.write_bytes(image_model())
  text = tmp_path / 'text.tflite'
  text.write_text('no model')
  for path, reason in ((plain, 'convert'), (text, 'TFL3'), (tmp_path / 'none', 'no such file')):
    done = command(path, '--format', 'make', '-o', tmp_path / 'out')
    assert done.returncode == 1 and done.stderr.count('\n') == 1
    assert str(path) in done.stderr and reason in done.stderr
  assert not (tmp_path / 'out').exists()


def test_direct_needs_a_single_stage(tmp_path):
  model = parse_model(converted())
  main = model.main
  main.tensors.append(Tensor('flat', (4,), DType.INT8))
  made = (len(main.tensors) - 1,)
  main.operators.append(Operator('RESHAPE', main.outputs, made))
  main.outputs = made
  (tmp_path / 'm.tflite').write_bytes(serialize_model(model))
  arguments = [tmp_path / 'm.tflite', '--format', 'make', '-o', tmp_path / 'out', '--runtime']
  done = command(*arguments, 'direct')
  assert done.returncode == 1 and '--runtime tflm' in done.stderr
  done = command(*arguments, 'auto', '--json')
  assert done.returncode == 0 and json.loads(done.stdout)['runtimes'] == ['tflm']


def test_force_replaces_an_earlier_export_and_keeps_the_rest(model, tmp_path):
  out = tmp_path / 'out'
  assert command(model, '--format', 'esp-idf', '-o', out).returncode == 0
  (out / 'mine.txt').write_text('mine')
  (out / 'README.md').write_text('changed')
  assert command(model, '--format', 'make', '-o', out).returncode == 1
  assert command(model, '--format', 'make', '-o', out, '--force').returncode == 0
  assert (out / 'mine.txt').read_text() == 'mine' and (out / 'Makefile').is_file()
  assert 'changed' not in (out / 'README.md').read_text()
  assert not (out / 'idf_component.yml').exists()
  assert not (out / 'examples/run_once/main/app_main.c').exists()
  assert sorted(os.listdir(tmp_path)) == ['out']


def test_failing_write_leaves_the_folder_as_it_was(tmp_path):
  out = tmp_path / 'out'
  write_folder(out, {'a/b.txt': b'1'}, force=False)
  for files in ({'a/b.txt': b'2', 'a/b.txt/c': b'3'}, {'x' * 300: b''}):
    with pytest.raises(TflmPatchError, match='cannot be written'):
      write_folder(out, files, force=True)
    assert (out / 'a/b.txt').read_bytes() == b'1'
    assert sorted(os.listdir(tmp_path)) == ['out']


def test_empty_folder_is_taken(tmp_path):
  (tmp_path / 'out').mkdir()
  write_folder(tmp_path / 'out', {'a': b'1'}, force=False)
  assert (tmp_path / 'out/a').read_bytes() == b'1'


@pytest.mark.parametrize('manifest', ['', '[]', '{"files": 3}', '{"files": ["../keep", "/etc/x"]}'])
def test_manifest_is_not_trusted(manifest, tmp_path):
  out = tmp_path / 'out'
  out.mkdir()
  (tmp_path / 'keep').write_text('keep')
  (out / MANIFEST).write_text(manifest)
  write_folder(out, {'a': b'1'}, force=True)
  assert (tmp_path / 'keep').exists() and (out / 'a').exists()


def test_every_format_is_in_the_help():
  done = command('--help')
  assert done.returncode == 0 and all(name in done.stdout for name in FORMATS)


def test_exports_are_reproducible(model, tmp_path):
  for name in 'ab':
    assert command(model, '--format', 'cmake', '-o', tmp_path / name).returncode == 0
  need('diff')
  assert run('diff', '-r', tmp_path / 'a', tmp_path / 'b') == ''


def test_model_file_name_cannot_leave_a_comment(model, tmp_path):
  odd = tmp_path / 'a*_b--c\nd.tflite'
  shutil.copy(model, odd)
  assert command(odd, '--format', 'cmsis-pack', '-o', tmp_path / 'out').returncode == 0
  header = (tmp_path / 'out/include/model.h').read_text()
  assert re.search(r'from a__b-_c_d\.tflite\.\n', header)


# ---- nothing outside of the folder ----


@pytest.fixture
def outside(tmp_path):
  """A folder with files that no export may touch."""
  folder = tmp_path / 'outside'
  (folder / 'b').mkdir(parents=True)
  (folder / 'b/c').write_text('precious')
  (folder / 'README.md').write_text('precious')
  return folder


def untouched(outside):
  found = sorted(str(path.relative_to(outside)) for path in outside.rglob('*'))
  texts = [(outside / name).read_text() for name in ('README.md', 'b/c')]
  return found == ['README.md', 'b', 'b/c'] and texts == ['precious', 'precious']


@pytest.mark.parametrize('listed', ['a/b/c', 'a/README.md', 'a', 'd/a/b/c', 'd/../a/b/c'])
def test_listed_files_behind_links_stay(listed, outside, tmp_path):
  out = tmp_path / 'out'
  write_folder(out, {'x': b'1'}, force=False)
  (out / 'd').mkdir()
  for place in (out / 'a', out / 'd/a'):
    place.symlink_to(outside, target_is_directory=True)
  (out / MANIFEST).write_text(json.dumps({'files': [listed, 'x']}))
  write_folder(out, {'y': b'2'}, force=True)
  assert untouched(outside) and (out / 'd/a').is_symlink()
  assert not (out / 'x').exists() and (out / 'y').read_bytes() == b'2'


@pytest.mark.parametrize('link', ['src', 'src/kernels', 'examples/run_once'])
def test_nothing_is_written_through_a_link(link, model, outside, tmp_path):
  out = tmp_path / 'out'
  assert command(model, '--format', 'cmake', '-o', out).returncode == 0
  shutil.rmtree(out / link)
  (out / link).symlink_to(outside, target_is_directory=True)
  before = sorted(os.listdir(out))
  done = command(model, '--format', 'cmake', '-o', out, '--force')
  assert done.returncode == 1 and done.stderr.count('\n') == 1
  assert f'{link}: is a symbolic link' in done.stderr
  assert untouched(outside) and sorted(os.listdir(out)) == before
  assert sorted(os.listdir(tmp_path)) == ['out', 'outside']


def test_linked_file_is_replaced_not_followed(outside, tmp_path):
  out = tmp_path / 'out'
  out.mkdir()
  (out / 'README.md').symlink_to(outside / 'README.md')
  write_folder(out, {'README.md': b'new'}, force=True)
  assert untouched(outside) and not (out / 'README.md').is_symlink()
  assert (out / 'README.md').read_bytes() == b'new'


def test_folder_that_is_a_link_is_the_folder_it_names(tmp_path):
  (tmp_path / 'real').mkdir()
  (tmp_path / 'link').symlink_to(tmp_path / 'real', target_is_directory=True)
  write_folder(tmp_path / 'link', {'a': b'1'}, force=False)
  assert (tmp_path / 'link').is_symlink() and (tmp_path / 'real/a').read_bytes() == b'1'


@pytest.mark.parametrize('name', ['\0', '\ud800', 'x' * 300, '', '.', 'a/' * 3000])
def test_manifest_with_names_that_no_file_has(name, tmp_path):
  out = tmp_path / 'out'
  out.mkdir()
  (out / MANIFEST).write_text(json.dumps({'files': [name]}))
  write_folder(out, {'a': b'1'}, force=True)
  assert (out / 'a').read_bytes() == b'1'


def test_pipes_in_the_folder_are_kept_and_never_read(tmp_path):
  out = tmp_path / 'out'
  out.mkdir()
  os.mkfifo(out / MANIFEST)
  os.mkfifo(out / 'pipe')
  write_folder(out, {'a': b'1', MANIFEST: b'{}'}, force=True)
  assert (out / 'pipe').is_fifo() and (out / MANIFEST).read_bytes() == b'{}'


@pytest.mark.parametrize('failing', ['_exchange', 'none'])
def test_replaced_files_keep_their_bytes_until_the_end(failing, monkeypatch, tmp_path):
  """The new folder starts as other names of the old one's files."""
  if failing == '_exchange':  # a file system that cannot swap
    monkeypatch.setattr(f'{write_folder.__module__}._exchange', lambda a, b: False)
  out = tmp_path / 'out'
  write_folder(out, {'a': b'1', 'mine': b'mine', MANIFEST: b'{"files": ["a"]}'}, force=False)
  with pytest.raises(TflmPatchError, match='cannot be written'):
    write_folder(out, {'a': b'2', 'x' * 300: b''}, force=True)
  assert (out / 'a').read_bytes() == b'1' and (out / 'mine').read_bytes() == b'mine'
  write_folder(out, {'a': b'2'}, force=True)
  assert (out / 'a').read_bytes() == b'2' and (out / 'mine').read_bytes() == b'mine'
  assert sorted(os.listdir(tmp_path)) == ['out']
