# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What conversions of one model have found: graphs after the rewrites, and searches of stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tflm_patch.conversion import plugins
from tflm_patch.conversion.plugins import Change
from tflm_patch.conversion.stages import Searches
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import Model


@dataclasses.dataclass(frozen=True)
class Rewriting:
  """A model after some rewrites.

  Attributes:
    model: What they made of it; nobody changes it.
    changes: Which rewrites did something, in order.
    searches: Of its stages; more is added.
  """

  model: Model
  changes: tuple[Change, ...]
  searches: Searches = dataclasses.field(default_factory=dict)


class Known:
  """Shared by conversions of the same model that differ in nothing but `options.plan`.

  Nothing but time depends on it.
  """

  def __init__(self) -> None:
    self._model: Model | None = None
    self._rewritings: dict[tuple[str, ...], Rewriting] = {}

  def parsed(self, data: bytes, source: str) -> Model:
    """The model of a file's bytes; see `parse_model`."""
    if self._model is None:
      self._model = parse_model(data, source)
    return self._model

  def rewritten(
    self,
    original: Model,
    rewrites: Sequence[plugins.Registered],
    context: plugins.Context,
    before: Sequence[Change] = (),
  ) -> Rewriting:
    """The model after the rewrites; see `plugins.run_plugins`.

    Args:
      original: The model, or what was made of it before.
      rewrites, context: See there.
      before: What was done before.
    """
    names = tuple([change.plugin for change in before] + [entry.name for entry in rewrites])
    if names not in self._rewritings:
      model, changes = plugins.run_plugins(original, rewrites, context)
      self._rewritings[names] = Rewriting(model, (*before, *changes))
    return self._rewritings[names]
