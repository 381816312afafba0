# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster of one machine for tests: on loopback, with its own token; it can be killed."""

import contextlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time

from tflm_patch.nas.proxies.flops import macs_of

_MARK = 'TFLM_PATCH_TEST_RAY'


class Slow:
  """A fitness that takes its time, and learns nothing."""

  def __init__(self, data):
    self._data = data

  def evaluate(self, specs, budget):
    time.sleep(2)
    return [float(macs_of(spec)) for spec in specs]


def free_port():
  """A port of loopback that nobody listens on."""
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    return free.getsockname()[1]


class Head:
  """A head, and all processes that belong to it.

  Args:
    folder: Of the token and of Ray's files; short, since sockets lie in it.
    path: Where workers find modules.
  """

  def __init__(self, folder, path):
    self._folder = folder
    token = folder / 'token'
    token.write_text(secrets.token_hex(32))
    self.port, self._client_port = free_port(), free_port()
    self.address = f'127.0.0.1:{self.port}'
    # Of whatever speaks to it. The last keeps Ray on loopback, as on machines without clusters.
    self.environment = {
      'RAY_AUTH_MODE': 'token',
      'RAY_AUTH_TOKEN_PATH': str(token),
      'RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER': '0',
    }
    self._own = {
      _MARK: self.address,
      'PYTHONPATH': path,
      'KERAS_BACKEND': 'tensorflow',
      'RAY_worker_niceness': '0',  # else workers wait for whatever runs beside the tests
    }

  def words(self):
    """Arguments of `ray`."""
    return (
      *('start', '--head', '--node-ip-address=127.0.0.1', f'--port={self.port}', '--num-cpus=2'),
      *('--object-store-memory=80000000', '--include-dashboard=false', '--disable-usage-stats'),
      *(f'--ray-client-server-port={self._client_port}', f'--temp-dir={self._folder}'),
    )

  def start(self, attempts=10):
    """Starts it; takes seconds. On a machine that is busy Ray may give up: then again."""
    done = subprocess.run(
      [sys.executable, '-c', 'from ray.scripts.scripts import main; main()', *self.words()],
      env={**os.environ, **self.environment, **self._own},
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )
    if done.returncode and attempts > 1:
      self.kill()
      self.start(attempts - 1)
    else:
      assert done.returncode == 0, done.stdout

  def processes(self):
    """Numbers and titles of all of its processes."""
    found = {}
    for entry in pathlib.Path('/proc').glob('[0-9]*'):
      try:
        marked = f'{_MARK}={self.address}'.encode() in (entry / 'environ').read_bytes()
        title = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
      except OSError:
        continue  # ended, or somebody else's
      if marked and title:
        found[int(entry.name)] = title
    return found

  def kill_workers(self):
    """Kills what has a task; gives how many."""
    numbers = [number for number, title in self.processes().items() if 'ray::perform' in title]
    for number in numbers:
      os.kill(number, signal.SIGKILL)
    return len(numbers)

  def kill(self):
    """Kills everything."""
    while numbers := list(self.processes()):
      for number in numbers:
        with contextlib.suppress(ProcessLookupError):
          os.kill(number, signal.SIGKILL)
      time.sleep(0.1)

  def listening(self):
    """Addresses that its processes listen on, as text."""
    sockets = set()
    for number in self.processes():
      for link in pathlib.Path(f'/proc/{number}/fd').glob('*'):
        try:
          sockets.add(os.readlink(link))
        except OSError:
          continue
    found = []
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
      for line in pathlib.Path(table).read_text().splitlines()[1:]:
        cells = line.split()
        if cells[3] == '0A' and f'socket:[{cells[9]}]' in sockets:
          found.append(cells[1].split(':')[0])
    return found
