# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Files: what is read, what is written, what is left alone."""

from __future__ import annotations

import os
import socket
import stat
import threading

import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import check_outputs, open_regular, read_limited, write_atomically

LONG = 'n' * 300


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
  path, link = tmp_path / 'file', tmp_path / 'link'
  path.write_bytes(b'old')
  path.chmod(0o640)
  link.symlink_to(path)
  write_atomically(link, b'new')
  assert link.is_symlink() and path.read_bytes() == b'new'
  assert stat.S_IMODE(path.stat().st_mode) == 0o640
  assert sorted(p.name for p in tmp_path.iterdir()) == ['file', 'link']


def test_the_longest_name_that_there_is(tmp_path):
  path = tmp_path / ('n' * 255)
  write_atomically(path, b'data')
  assert path.read_bytes() == b'data'


def test_a_pipe_gets_the_bytes_and_stays_one(tmp_path):
  path = tmp_path / 'pipe'
  os.mkfifo(path)
  data = bytes(range(256)) * 1024  # more than a pipe holds
  got = []
  reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
  reader.start()
  while True:  # until the reader has opened it
    try:
      write_atomically(path, data)
      break
    except TflmPatchError as error:
      assert 'nobody reads' in str(error)
  reader.join()
  assert got == [data] and stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_gets_the_bytes_and_stays_one():
  write_atomically('/dev/null', b'data')
  assert stat.S_ISCHR(os.stat('/dev/null').st_mode)


def test_what_is_not_written_to(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)  # the name of a socket is short
  os.mkfifo('pipe')
  with socket.socket(socket.AF_UNIX) as listener:
    listener.bind('socket')
    for name, word in (
      ('pipe', 'nobody reads'),
      ('socket', 'socket'),
      ('.', 'directory'),
      ('', 'directory'),
      ('no/such', 'no such'),
      ('new/', 'no such'),
      (LONG, 'too long'),
      ('a\0b', 'null'),
    ):
      with pytest.raises(TflmPatchError, match=word) as error:
        write_atomically(name, b'data')
      assert 'choose another output' in str(error.value)
  assert sorted(os.listdir()) == ['pipe', 'socket']
  assert stat.S_ISSOCK(os.stat('socket').st_mode)


@pytest.mark.parametrize('read', [read_limited, lambda path: open_regular(path).__enter__()])
def test_pipes_and_devices_are_not_read(read, tmp_path):
  os.mkfifo(tmp_path / 'pipe')
  for path in (tmp_path / 'pipe', '/dev/zero', tmp_path):
    with pytest.raises((TflmPatchError, OSError)):
      read(path)


def test_outputs_are_checked_against_inputs_and_each_other(tmp_path):
  model, other = tmp_path / 'model', tmp_path / 'other'
  model.write_bytes(b'model')
  (tmp_path / 'link').symlink_to(model)
  os.link(model, tmp_path / 'hard')
  check_outputs([model], [other, tmp_path / 'more'])
  for outputs in (
    [model],
    [tmp_path / 'link'],
    [tmp_path / 'hard'],
    [f'{tmp_path}/./model'],
    [other, model],
  ):
    with pytest.raises(TflmPatchError, match='is the input file'):
      check_outputs([model], outputs)
  with pytest.raises(TflmPatchError, match='is another output'):
    check_outputs([model], [other, f'{tmp_path}/./other'])
  for name in ('no/such', LONG, ''):
    with pytest.raises(TflmPatchError, match='cannot be written'):
      check_outputs([model], [tmp_path / name if name else tmp_path])
  assert model.read_bytes() == b'model' and not other.exists()
