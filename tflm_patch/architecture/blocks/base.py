# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a kind of block is, and the registry of them.

A kind is one module: a function that appends its layers, registered under the name
that specs use. A new module here, imported by `__init__.py`, is a new kind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.architecture.layers import LayerBuilder
from tflm_patch.architecture.spec import Block

# Appends a block's layers after value x; gives the value that they end with.
Emit = Callable[[Block, LayerBuilder, int], int]


@dataclasses.dataclass(frozen=True)
class BlockKind:
  """A kind of block.

  Attributes:
    defaults: A block of this kind; what it leaves out has these values.
    fields: Names of the fields of `Block` that it uses.
    leading: The field that a number right after the name says ('conv3'), '' for none.
    emit: Appends its layers.
    summary: One line for the documentation.
  """

  defaults: Block
  fields: frozenset[str]
  leading: str
  emit: Emit
  summary: str

  @property
  def name(self) -> str:
    return self.defaults.kind


REGISTRY: dict[str, BlockKind] = {}


def register(defaults: Block, *fields: str, leading: str = '') -> Callable[[Emit], Emit]:
  """Registers a kind; the first line of the function's docstring is its summary.

  Args:
    defaults: With the name of the kind.
    fields: What its specs may say.
    leading: See `BlockKind`.
  """

  def decorate(emit: Emit) -> Emit:
    summary = (emit.__doc__ or '').strip().splitlines()[0]
    REGISTRY[defaults.kind] = BlockKind(defaults, frozenset(fields), leading, emit, summary)
    return emit

  return decorate
