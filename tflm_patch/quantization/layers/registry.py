# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which handler knows which layer."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tflm_patch.errors import TflmPatchError

if TYPE_CHECKING:
  from tflm_patch.quantization.layers.call import Call

Handler = Callable[['Call'], Any]

_KERAS_LAYERS: dict[str, Handler] = {}
_KERAS_FUNCTIONS: dict[str, Handler] = {}
_OWN: dict[type, Handler] = {}


def layer(*names: str) -> Callable[[Handler], Handler]:
  """Registers a handler for layers of Keras by the names of their classes."""

  def register(handler: Handler) -> Handler:
    _KERAS_LAYERS.update(dict.fromkeys(names, handler))
    return handler

  return register


def function(*names: str) -> Callable[[Handler], Handler]:
  """Registers a handler for `keras.ops` by the names of their classes."""

  def register(handler: Handler) -> Handler:
    _KERAS_FUNCTIONS.update(dict.fromkeys(names, handler))
    return handler

  return register


def register_layer(kind: type, handler: Handler) -> None:
  """Teaches the writer a layer of one's own.

  Args:
    kind: The layer's class; subclasses are not meant.
    handler: Gets a `Call`, appends nodes, and returns the output's `Value`, as the
      handlers of `tflm_patch.quantization.layers` do.
  """
  _OWN[kind] = handler


def handler_of(operation: Any, path: str) -> Handler:
  """The handler of a layer or function.

  Raises:
    TflmPatchError: there is none; says what to do.
  """
  kind = type(operation)
  if kind in _OWN:
    return _OWN[kind]
  is_keras = kind.__module__.split('.')[0] == 'keras'
  known = _KERAS_LAYERS if _is_layer(operation) else _KERAS_FUNCTIONS
  if is_keras and kind.__name__ in known:
    return known[kind.__name__]
  if kind.__name__ == 'Lambda':
    advice = 'write it with layers'
  else:
    near = difflib.get_close_matches(kind.__name__, known, 1, 0.8) if is_keras else []
    advice = f'use {near[0]}' if near else 'replace it'
  what = 'layer' if _is_layer(operation) else 'function'
  raise TflmPatchError(
    f'"{path}": the {what} {kind.__name__} is not supported; {advice}, teach it with '
    f'tflm_patch.quantization.register_layer, or use --backend tensorflow'
  )


def _is_layer(operation: Any) -> bool:
  import keras

  return isinstance(operation, keras.layers.Layer)


def supported() -> tuple[tuple[str, ...], tuple[str, ...]]:
  """Names of the layers, and of the functions of `keras.ops`, that have handlers."""
  return tuple(sorted(_KERAS_LAYERS)), tuple(sorted(_KERAS_FUNCTIONS))
