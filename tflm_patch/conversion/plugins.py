# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The interface of rewrites: decorators, entry points, selection by name.

A plugin is a class with `match` and `transform`. `run_plugins` applies the
selected plugins to the first subgraph, in order of priority, round after round,
until none of them matches anywhere. The stage rewrite works on whole regions and
follows them. Packages bring plugins by an entry point of the group
`tflm_patch.converter_plugins` that names a module; importing the module runs
the decorators in it. Our own come the same way, from the package
`converter_plugins`, which is imported directly where it was never installed.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from tflm_patch.conversion.stages import Searches, StageChoice, StageOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model, Subgraph

ENTRY_POINT_GROUP = 'tflm_patch.converter_plugins'


@dataclasses.dataclass(frozen=True)
class Context:
  """What the user asked for.

  Attributes:
    int8_io: QUANTIZE and DEQUANTIZE at the model's boundary may go.
  """

  int8_io: bool = False


@dataclasses.dataclass(frozen=True)
class Change:
  """One rewrite that was done.

  Attributes:
    plugin: Its name.
    text: What was done, in a few words.
    note: What the user must know of it, in a sentence; '' for nothing.
  """

  plugin: str
  text: str
  note: str = ''


@dataclasses.dataclass(frozen=True)
class Rewritten:
  """What a `transform` that has more to say than its line returns; see `Change`."""

  text: str
  note: str = ''


class Plugin(Protocol):
  """A rewrite of a graph that changes no output byte."""

  def match(self, graph: Subgraph, index: int, context: Context) -> Any | None:
    """What `transform` needs when the rewrite applies at an operator, else None."""

  def transform(self, graph: Subgraph, match: Any) -> str | Rewritten:
    """Rewrites the graph in place (its lists are private) and says what was done.

    A transform must leave less to do: one that changes nothing, and rewrites without
    an end, are stopped with an error that names the plugin.
    """


@dataclasses.dataclass(frozen=True)
class Registered:
  """A plugin with its name, its place in the order, and its line of help.

  Attributes:
    reads_weights: What it does depends on the values of weights: a network that is not trained
      yet does not know it. A conversion keeps it where it makes nothing worse.
  """

  name: str
  priority: int
  help: str
  plugin: Plugin
  reads_weights: bool = False


_REGISTRY: dict[str, Registered] = {}
_T = TypeVar('_T', bound=type)


def register(name: str, priority: int, reads_weights: bool = False) -> Callable[[_T], _T]:
  """Registers a plugin class; the first line of its docstring is its help."""

  def decorate(cls: _T) -> _T:
    if name in _REGISTRY:
      raise TflmPatchError(f'plugin "{name}" is registered twice; rename one of them')
    text = (cls.__doc__ or '').strip().splitlines()[0]
    _REGISTRY[name] = Registered(name, priority, text, cls(), reads_weights)
    return cls

  return decorate


def all_plugins() -> list[Registered]:
  """Every plugin, ours and other packages', in order of priority."""
  _load_entry_points()
  return sorted(_REGISTRY.values(), key=lambda entry: (entry.priority, entry.name))


class StagePlugin(Protocol):
  """The rewrite that puts operators into stages."""

  def rewrite(
    self,
    model: Model,
    options: StageOptions,
    known: Searches | None,
    progress: Callable[[str], None],
  ) -> StageChoice:
    """Chooses and installs stages in a model that the other rewrites have left."""


# Of the stage rewrite, which runs after the others, and of what it does with variables.
STAGE = 'stage'
STATES = 'states'
_stage_plugins: list[StagePlugin] = []


def register_stage(cls: _T) -> _T:
  """Registers the class of the stage rewrite."""
  _stage_plugins[:] = [cls()]
  return cls


@dataclasses.dataclass(frozen=True)
class Selection:
  """Plugins that a conversion uses.

  Attributes:
    rewrites: In order.
    stage: The stage rewrite, if any.
    states: Stages may keep what variables hold; see `states.py`.
  """

  rewrites: tuple[Registered, ...]
  stage: StagePlugin | None
  states: bool = False

  def of_weights(self) -> Selection:
    """Only the rewrites that depend on weights, and no stages."""
    return Selection(tuple(entry for entry in self.rewrites if entry.reads_weights), None)

  def without_weights(self) -> Selection:
    """Without the rewrites that depend on weights."""
    rewrites = tuple(entry for entry in self.rewrites if not entry.reads_weights)
    return dataclasses.replace(self, rewrites=rewrites)


def select(spec: Sequence[str]) -> Selection:
  """Plugins by name.

  Args:
    spec: Empty for all; names for just those; '-name' for all but those.

  Raises:
    TflmPatchError: a name is unknown, or both forms are mixed.
  """
  plugins = all_plugins()
  known = {STAGE, STATES, *(entry.name for entry in plugins)}
  off = {item[1:] for item in spec if item.startswith('-')}
  on = {item for item in spec if not item.startswith('-')}
  unknown = sorted((off | on) - known)
  if unknown:
    raise TflmPatchError(
      f'unknown plugin {", ".join(unknown)}; known are {", ".join(sorted(known))}'
    )
  if on and off:
    raise TflmPatchError('name plugins to use, or -plugins to leave out, not both')

  def wanted(name: str) -> bool:
    return name not in off and (not on or name in on)

  return Selection(
    tuple(entry for entry in plugins if wanted(entry.name)),
    _stage_plugins[0] if wanted(STAGE) else None,
    wanted(STATES) and wanted(STAGE),
  )


# Rewrites of one conversion: this many, and this many more for each operator.
_FEW_REWRITES = 100
_REWRITES_PER_OPERATOR = 20


def run_plugins(
  model: Model, plugins: Sequence[Registered], context: Context
) -> tuple[Model, list[Change]]:
  """Applies plugins to the first subgraph of a model until none of them matches.

  Returns:
    A new model (the given one is left alone) and the changes in order.

  Raises:
    TflmPatchError: a plugin makes no progress, or the rewrites come to no end.
  """
  graph = dataclasses.replace(
    model.main, tensors=list(model.main.tensors), operators=list(model.main.operators)
  )
  limit = _FEW_REWRITES + _REWRITES_PER_OPERATOR * len(graph.operators)
  changes: list[Change] = []
  settled = False
  while not settled:
    settled = True
    for entry in plugins:
      while _scan(graph, entry, context, changes, limit):
        settled = False
  return dataclasses.replace(model, subgraphs=[graph, *model.subgraphs[1:]]), changes


def _scan(
  graph: Subgraph, entry: Registered, context: Context, changes: list[Change], limit: int
) -> bool:
  """Applies a plugin to all operators once; whether it did anything."""
  index, before = 0, len(changes)
  while index < len(graph.operators):
    match = entry.plugin.match(graph, index, context)
    if match is None:
      index += 1
      continue
    old = dataclasses.replace(graph, tensors=list(graph.tensors), operators=list(graph.operators))
    done = entry.plugin.transform(graph, match)
    if not _differs(old, graph):
      raise TflmPatchError(
        f'plugin "{entry.name}" matches operator {index} ({old.operators[index].opcode}) but '
        f'changes nothing; leave it out with --plugins=-{entry.name}'
      )
    if isinstance(done, str):
      done = Rewritten(done)
    changes.append(Change(entry.name, done.text, done.note))
    if len(changes) > limit:
      raise TflmPatchError(_no_end(changes))
  return len(changes) > before


def _differs(old: Subgraph, new: Subgraph) -> bool:
  """Whether a rewrite did more than to add tensors that nothing reads."""
  same_tensors = len(new.tensors) >= len(old.tensors) and all(
    a is b for a, b in zip(old.tensors, new.tensors)
  )
  return not (
    same_tensors
    and old.operators == new.operators
    and (old.inputs, old.outputs) == (new.inputs, new.outputs)
  )


def _no_end(changes: Sequence[Change]) -> str:
  latest = collections.Counter(change.plugin for change in changes[-_FEW_REWRITES:])
  names = ' and '.join(f'"{name}"' for name, _ in latest.most_common(2))
  return (
    f'the rewrites of plugin {names} come to no end ({len(changes)} so far); '
    f'leave one out with --plugins=-{latest.most_common(1)[0][0]}'
  )


_loaded: set[str] = set()
# Ours, for Bazel and PYTHONPATH, where no package metadata is.
_OWN_PACKAGE = 'converter_plugins'


@functools.lru_cache(maxsize=1)
def _entry_points(path: tuple[str, ...]) -> tuple[importlib.metadata.EntryPoint, ...]:
  """Of the packages on a search path; reading them takes milliseconds."""
  del path
  return tuple(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP))


def _load_entry_points() -> None:
  for point in _entry_points(tuple(sys.path)):
    key = f'{point.name}={point.value}'
    if key in _loaded:
      continue
    _loaded.add(key)
    try:
      point.load()
    except Exception as error:  # Another package's code may raise anything.
      package = point.dist.name if point.dist else point.value
      raise TflmPatchError(
        f'plugin "{point.name}" of package {package} cannot be loaded ({error}); '
        'update or uninstall that package'
      ) from error
  if not _stage_plugins:
    try:
      importlib.import_module(_OWN_PACKAGE)
    except ImportError as error:
      raise TflmPatchError(
        f'the package {_OWN_PACKAGE}, which belongs to tflm_patch, cannot be imported '
        f'({error}); install tflm-patch, or put its root on PYTHONPATH'
      ) from error
