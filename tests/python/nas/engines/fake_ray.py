# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A module that stands for Ray: tasks run where they are asked for, and go wrong when told to.

The folder FAKE_RAY holds `faults`, a line for each task: `ok`, `crash` of its worker, `die` of the
head; and `down` while there is no cluster.
"""

import os
import pathlib
import types

FOLDER = pathlib.Path(os.environ.get('FAKE_RAY', '.'))


class RayError(Exception):
  pass


class RayTaskError(RayError):
  pass


class LocalRayletDiedError(RayError):
  pass


class WorkerCrashedError(RayError):
  pass


exceptions = types.SimpleNamespace(
  RayError=RayError, RayTaskError=RayTaskError, LocalRayletDiedError=LocalRayletDiedError
)


class Reference:
  def __init__(self, make, part=None):
    self.make, self.part = make, part


class Remote:
  def __init__(self, function):
    self.function = function

  def options(self, num_cpus):
    return self

  def remote(self, *arguments):
    whole = Reference(None)

    def make():
      _fail()
      values = [each.make() if isinstance(each, Reference) else each for each in arguments]
      try:
        return self.function(*values)
      except Exception as error:
        raise RayTaskError(f'Traceback\n{error}') from None

    whole.make = make
    return Reference(whole, 0), Reference(whole, 1)


def _fail():
  faults = (FOLDER / 'faults').read_text().split()
  (FOLDER / 'faults').write_text('\n'.join(faults[1:]))
  if faults[:1] == ['crash']:
    raise WorkerCrashedError
  if faults[:1] == ['die']:
    (FOLDER / 'deaths').open('a').write('x')
    os._exit(1)


def init(address, **more):
  print('something that Ray says')
  if (FOLDER / 'down').exists():
    raise ConnectionError((FOLDER / 'down').read_text())


def remote(**more):
  return Remote


def put(value):
  return Reference(lambda: value)


def wait(references, timeout):
  return references[:1], references[1:]


def get(references):
  text, _ = references
  return text.make.make()


def nodes():
  return []


def cancel(reference, force):
  (FOLDER / 'cancelled').open('a').write('x')


def shutdown():
  pass
