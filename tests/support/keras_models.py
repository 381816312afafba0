# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras models and what their int8 versions compute in TFLM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.graph.types import Model
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training.int8_inference import to_real, to_steps


def randomize(model: Any, seed: int = 0) -> Any:
  """Weights of all kinds that are not at their initial values; gives the model."""
  rng = np.random.default_rng(seed)
  for weight in model.weights:
    shape = tuple(weight.shape)
    if 'variance' in weight.path:
      weight.assign(rng.uniform(0.5, 2, shape))
    elif 'gamma' in weight.path or 'alpha' in weight.path:
      weight.assign(rng.uniform(0.3, 1.5, shape))
    elif any(name in weight.path for name in ('beta', 'bias', 'mean')):
      weight.assign(rng.normal(0, 0.3, shape))
  return model


def functional(shape: Sequence[int], build: Callable[[Any], Any], seed: int = 0) -> Any:
  """A model of one input of a shape."""
  import keras

  source = keras.Input(tuple(shape))
  return randomize(keras.Model(source, build(source)), seed)


def random_samples(model: Any, count: int = 32, seed: int = 1) -> list[np.ndarray]:
  """Normal values for every input."""
  rng = np.random.default_rng(seed)
  return [rng.normal(size=(count, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]


def run_in_tflm(model: Model, data: bytes, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
  """Real outputs float64[n, ...] of every output, from real inputs."""
  interpreter = Interpreter(data)
  main = model.main
  sources = [main.tensors[index] for index in main.inputs]
  targets = [main.tensors[index] for index in main.outputs]
  results: list[list[np.ndarray]] = [[] for _ in targets]
  for number in range(len(samples[0])):
    inputs = [
      to_steps(array[number : number + 1], tensor) for array, tensor in zip(samples, sources)
    ]
    interpreter.reset()  # of recurrent layers
    for found, output, tensor in zip(results, interpreter.invoke(inputs), targets):
      found.append(to_real(output, tensor))
  return [np.concatenate(found) for found in results]


def run_in_keras(model: Any, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
  """Real outputs of the Keras model."""
  import keras

  outputs = model(list(samples) if len(samples) > 1 else samples[0], training=False)
  return [np.asarray(keras.ops.convert_to_numpy(output)) for output in keras.tree.flatten(outputs)]


def opcodes(model: Model) -> list[str]:
  return [operator.opcode for operator in model.main.operators]
