# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What was learned, over power cuts."""

import ctypes
import shutil

import numpy as np
import pytest
from support import learning, learning_models
from support.flash import Flash

from tflm_patch.on_device.component import make_component

pytestmark = pytest.mark.skipif(shutil.which('gcc') is None, reason='needs gcc')
OK, NO_DELTA, OTHER_MODEL, BAD_FLASH = 0, 5, 6, 7


def head(first, folder, seed=3):
  """A component that trains the layers from number `first` on."""
  model = learning_models.every_operator(seed)
  component = make_component(model, learning_models.scheme_of(model, first))
  return learning.build(component, folder)


@pytest.fixture(scope='module')
def host(tmp_path_factory):
  return head(6, tmp_path_factory.mktemp('head'))


def slot_bytes(host):
  return 32 + host.component.work.parameters.bytes + 16


def learn(host, seed):
  rng = np.random.default_rng(seed)
  main = host.component.work.network.model.main
  image = rng.integers(-128, 128, main.tensors[main.inputs[0]].shape, np.int8)
  assert host.train_step(image, seed % 5) == OK
  return host.parameters()


def save(host, flash):
  return host.call('save_delta', flash.pointer)


def load(host, flash):
  return host.call('load_delta', flash.pointer)


def restarted(host, flash):
  """Parameters after a reset and what a load says."""
  host.call('init', result=None)
  return load(host, flash), host.parameters()


def test_saved_and_loaded(host):
  flash = Flash(slot_bytes(host))
  first, learned = host.parameters(), learn(host, 1)
  assert save(host, flash) == OK
  assert first != learned
  assert restarted(host, flash) == (OK, learned)
  later = learn(host, 2)
  assert save(host, flash) == OK
  assert restarted(host, flash) == (OK, later)
  last = learn(host, 3)
  assert save(host, flash) == OK
  assert restarted(host, flash) == (OK, last)


def test_learning_goes_on_as_without_a_restart(host):
  host.call('init', result=None)
  flash = Flash(slot_bytes(host))
  learn(host, 1)
  assert save(host, flash) == OK
  expected = learn(host, 2)
  assert restarted(host, flash)[0] == OK
  assert learn(host, 2) == expected


def test_power_fails_at_every_byte(host):
  """Whatever was written when power failed, the old or the new weights are there."""
  host.call('init', result=None)
  flash = Flash(slot_bytes(host))
  learn(host, 1)
  assert save(host, flash) == OK
  old = learn(host, 2)
  assert save(host, flash) == OK
  before = bytes(flash.data)
  new = learn(host, 3)
  flash.written = 0
  assert save(host, flash) == OK
  total = flash.written
  for cut in range(total):
    # The state after the cut is that before the save.
    flash.data[:], flash.left = before, None
    assert restarted(host, flash) == (OK, old)
    assert learn(host, 3) == new
    flash.left = cut
    assert save(host, flash) == BAD_FLASH
    assert restarted(host, flash) == (OK, old), cut
    flash.left = None
    assert learn(host, 3) == new
    assert save(host, flash) == OK
    assert restarted(host, flash) == (OK, new), cut


def test_every_damaged_byte_is_found(host):
  host.call('init', result=None)
  initial = host.parameters()
  flash = Flash(slot_bytes(host))
  assert load(host, flash) == NO_DELTA
  learn(host, 1)
  assert save(host, flash) == OK
  for at in range(32 + host.component.work.parameters.bytes + 4):
    flash.data[at] ^= 0x10
    assert restarted(host, flash) == (NO_DELTA, initial), at
    flash.data[at] ^= 0x10


def test_small_slots_are_refused(host):
  flash = Flash(slot_bytes(host) - 1)
  before = host.parameters()
  assert save(host, flash) == BAD_FLASH
  assert host.parameters() == before
  assert flash.written == 0


@pytest.mark.slow
@pytest.mark.parametrize(('first', 'seed'), [(6, 4), (7, 3)])
def test_deltas_of_other_models_are_refused(host, first, seed, tmp_path):
  other = head(first, tmp_path, seed)
  flash = Flash(slot_bytes(host))
  assert save(host, flash) == OK
  before = other.parameters()
  assert load(other, flash) == OTHER_MODEL
  assert other.parameters() == before


def test_every_status_has_a_text(host):
  text = host.library.tflm_patch_training_status_text
  text.restype = ctypes.c_char_p
  found = {text(status) for status in range(8)}
  assert len(found) == 8
  assert all(found)
  assert text(99) == b'unknown status'
