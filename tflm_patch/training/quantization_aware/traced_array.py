# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arrays that know how they were computed from a model's variables.

The writer reads weights as numpy arrays and folds batch normalization into them. A
`TracedArray` goes through the same code and remembers every step, so that the folded
weights can be computed anew from the variables, in `keras.ops`, with gradients.

What is asked of its values ("are all of them 1?") is answered as for weights that training
has changed: they are neither equal to anything nor zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Memo = dict[int, Any]
_Recipe = Callable[[Memo], Any]

# Functions of numpy by the names of `keras.ops`.
_UFUNCS = {
  'add': 'add',
  'divide': 'divide',
  'matmul': 'matmul',
  'maximum': 'maximum',
  'minimum': 'minimum',
  'multiply': 'multiply',
  'negative': 'negative',
  'sqrt': 'sqrt',
  'square': 'square',
  'subtract': 'subtract',
}
_ANSWERS = {'equal': False, 'not_equal': True, 'isfinite': True}
_FUNCTIONS = ('broadcast_to', 'einsum', 'repeat', 'tile')


class TracedArray(np.ndarray):
  """float values, and the way from variables to them."""

  _recipe: _Recipe

  @classmethod
  def of(cls, values: Any, recipe: _Recipe) -> TracedArray:
    """Values that a recipe gives as a tensor."""
    result = np.array(values, np.float64).view(cls)
    result._recipe = recipe
    return result

  def tensor(self, memo: Memo) -> Any:
    """float32, computed from the variables.

    Args:
      memo: Of one computation; what several arrays share is computed once.
    """
    if id(self) not in memo:
      memo[id(self)] = self._recipe(memo)
    return memo[id(self)]

  def _then(self, values: Any, step: Callable[[Any], Any]) -> TracedArray:
    return TracedArray.of(values, lambda memo: step(self.tensor(memo)))

  def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    values = [_plain(each) for each in inputs]
    if ufunc.__name__ in _ANSWERS and method == '__call__':
      return np.full(np.shape(ufunc(*values)), _ANSWERS[ufunc.__name__])
    if ufunc.__name__ not in _UFUNCS or method != '__call__' or kwargs:
      return NotImplemented
    return _applied(_UFUNCS[ufunc.__name__], ufunc(*values), inputs, {})

  def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    name = func.__name__
    if name in ('any', 'all'):
      return name == 'any'  # some are neither zero nor as they were
    if name == 'shape':
      return self.shape
    if name not in _FUNCTIONS:
      return NotImplemented
    values = func(*(_plain(each) for each in args), **kwargs)
    return _applied(name, values, args, kwargs)

  # Methods, which numpy does not dispatch.

  def reshape(self, *shape: Any, **kwargs: Any) -> Any:
    del kwargs
    values = _plain(self).reshape(*shape)
    return self._then(values, lambda x: _ops().reshape(x, values.shape))

  def transpose(self, *axes: Any) -> Any:
    order = tuple(axes[0] if len(axes) == 1 else axes) or tuple(range(self.ndim))[::-1]
    return self._then(_plain(self).transpose(order), lambda x: _ops().transpose(x, order))

  @property
  def T(self) -> Any:  # noqa: N802
    return self.transpose()

  def sum(self, axis: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
    del kwargs
    return self._then(_plain(self).sum(axis=axis), lambda x: _ops().sum(x, axis=axis))

  def astype(self, *args: Any, **kwargs: Any) -> Any:
    return self

  def copy(self, *args: Any, **kwargs: Any) -> Any:
    return self

  def __getitem__(self, key: Any) -> Any:
    values = _plain(self)[key]
    if isinstance(key, np.ndarray):
      return self._then(values, lambda x: _ops().take(x, key, axis=0))
    return self._then(values, lambda x: x[key])


def _ops() -> Any:
  from keras import ops

  return ops


def _plain(array: Any) -> Any:
  return array.view(np.ndarray) if isinstance(array, TracedArray) else array


def _applied(name: str, values: Any, inputs: Sequence[Any], kwargs: dict[str, Any]) -> TracedArray:
  def recipe(memo: Memo) -> Any:
    tensors = [
      each if isinstance(each, (str, int, tuple)) else tensor_of(each, memo) for each in inputs
    ]
    return getattr(_ops(), name)(*tensors, **kwargs)

  return TracedArray.of(values, recipe)


def tensor_of(array: Any, memo: Memo) -> Any:
  """float32 of an array that may be traced."""
  if isinstance(array, TracedArray):
    return array.tensor(memo)
  return _ops().convert_to_tensor(np.asarray(array, np.float32))


def read_traced(layer: Any, name: str) -> np.ndarray:
  """A weight of a layer, for `capture`."""
  from tflm_patch.quantization.capture import read_weight

  def recipe(memo: Memo) -> Any:
    return _ops().cast(getattr(layer, name), 'float32')

  return TracedArray.of(read_weight(layer, name), recipe)
