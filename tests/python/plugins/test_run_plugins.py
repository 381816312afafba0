# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plugins run round after round, and never without an end."""

from __future__ import annotations

import dataclasses
import time

import pytest
from support.model_builder import ModelBuilder

from tflm_patch.conversion.plugins import Context, Registered, Rewritten, run_plugins
from tflm_patch.errors import TflmPatchError


def model(count: int = 3):
  b = ModelBuilder(0)
  x = b.input((1, 4))
  for _ in range(count):
    x = b.abs(x)
  b.output(x)
  return b.model()


class Renames:
  """Turns one opcode into another."""

  def __init__(self, old: str, new: str, answer=''):
    self.old, self.new, self.answer = old, new, answer

  def match(self, graph, index, context):
    return index if graph.operators[index].opcode == self.old else None

  def transform(self, graph, match):
    graph.operators[match] = dataclasses.replace(graph.operators[match], opcode=self.new)
    return self.answer or f'{self.old} to {self.new}'


def registered(name: str, priority: int, plugin) -> Registered:
  return Registered(name, priority, '', plugin)


def test_an_earlier_plugin_sees_what_a_later_one_made():
  plugins = [
    registered('second', 1, Renames('RELU', 'TANH')),
    registered('first', 2, Renames('ABS', 'RELU')),
  ]
  made, changes = run_plugins(model(), plugins, Context())
  assert [operator.opcode for operator in made.main.operators] == ['TANH'] * 3
  assert [change.plugin for change in changes] == ['first'] * 3 + ['second'] * 3


def test_a_note_reaches_the_change():
  plugin = registered('notes', 1, Renames('ABS', 'RELU', Rewritten('done', 'mind this')))
  _, changes = run_plugins(model(1), [plugin], Context())
  assert [(change.text, change.note) for change in changes] == [('done', 'mind this')]


class AddsATensor(Renames):
  def transform(self, graph, match):
    graph.tensors.append(graph.tensors[0])
    graph.operators[match] = dataclasses.replace(graph.operators[match])
    return 'nothing'


@pytest.mark.parametrize('plugin', [Renames('ABS', 'ABS'), AddsATensor('ABS', '')])
def test_a_plugin_without_progress_is_named(plugin):
  with pytest.raises(TflmPatchError, match=r'"lazy" matches operator 0 \(ABS\) but changes no'):
    run_plugins(model(), [registered('lazy', 1, plugin)], Context())


def test_plugins_that_undo_each_other_are_named():
  plugins = [
    registered('there', 1, Renames('ABS', 'RELU')),
    registered('back', 2, Renames('RELU', 'ABS')),
  ]
  with pytest.raises(TflmPatchError, match=r'"there" and "back"|"back" and "there"'):
    run_plugins(model(), plugins, Context())


@pytest.mark.slow
def test_many_operators_take_no_long():
  began = time.monotonic()
  _, changes = run_plugins(model(3000), [registered('one', 1, Renames('ABS', 'RELU'))], Context())
  assert len(changes) == 3000
  assert time.monotonic() - began < 20
