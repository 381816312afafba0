# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Do the forward passes of quantization-aware training give TFLM's bytes?

  pip install 'tflm-patch[train]'
  python benchmarks/qat_exact.py
  python benchmarks/qat_exact.py --json

Random networks (specs of the architectures' blocks and heads, and Keras graphs of
residuals, branches, squeeze-excite, pools, resizing and other activations) with random
weights are wrapped by `QuantizationAware`. The TFLM interpreter runs the written file on
patterns and noise of all bytes; `exact` runs in integers on the Keras backend; the
fake-quantized model gives real values, which are bytes times a scale, as it is evaluated
and (last figure) as it is in a training step, in float32 alone. The exit code is 1 when a
byte of `exact` differs, or more than one byte in a thousand of `training`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import numpy as np
from random_keras import random_graph, randomize
from spec_models import random_spec

from tflm_patch import models
from tflm_patch.graph.types import Model, Tensor
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training import QuantizationAware

MIN_SHARE = 0.999
_CALIBRATION = 16


@dataclasses.dataclass
class Count:
  """Output bytes, and how many of them are TFLM's.

  Attributes:
    bytes: Of all outputs of all inputs.
    exact, training, step: Equal ones: by integers, of the fake-quantized model as it is
      evaluated, and as in a training step.
  """

  bytes: int = 0
  exact: int = 0
  training: int = 0
  step: int = 0


def network(number: int, seed: int) -> Any:
  """Random networks; even ones are of specs."""
  rng = random.Random(seed * 1000 + number)
  keras.utils.set_random_seed(seed * 1000 + number)
  model = random_graph(rng) if number % 2 else models.build(random_spec(rng))
  randomize(model, number)
  return model


def count(model: Any, inputs: int, seed: int) -> Count:
  """TFLM's bytes beside ours."""
  rng = np.random.default_rng(seed)
  samples = [
    rng.normal(size=(_CALIBRATION, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs
  ]
  aware = QuantizationAware(model, samples if len(samples) > 1 else samples[0])
  aware.freeze()
  result = aware.quantize()
  arrays = list(sample_inputs(result.model, inputs, seed))
  interpreter = Interpreter(result.data)
  outputs = [interpreter.invoke(each) for each in arrays]
  wanted = [np.concatenate(each) for each in zip(*outputs)]
  batch = [np.concatenate(each) for each in zip(*arrays)]
  exact = aware.exact().run_bytes(batch)
  real = _real(result.model, batch)
  return Count(
    sum(each.size for each in wanted),
    _equal(exact, wanted),
    _equal(_bytes(result.model, aware.layer(real, training=False)), wanted),
    _equal(_bytes(result.model, aware.layer(real, training=True)), wanted),
  )


def _real(model: Model, batch: Sequence[np.ndarray]) -> Any:
  values = []
  for array, index in zip(batch, model.main.inputs):
    scale, zero_point = _scale(model.main.tensors[index])
    values.append(((array.astype(np.float64) - zero_point) * scale).astype(np.float32))
  return values[0] if len(values) == 1 else values


def _bytes(model: Model, outputs: Any) -> list[np.ndarray]:
  found = []
  for output, index in zip(keras.tree.flatten(outputs), model.main.outputs):
    scale, zero_point = _scale(model.main.tensors[index])
    steps = np.rint(keras.ops.convert_to_numpy(output).astype(np.float64) / scale) + zero_point
    found.append(steps.clip(-128, 127))
  return found


def _scale(tensor: Tensor) -> tuple[float, int]:
  assert tensor.quantization is not None
  return tensor.quantization.scale, tensor.quantization.zero_point


def _equal(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> int:
  return sum(int(np.sum(a.reshape(b.shape) == b)) for a, b in zip(found, wanted, strict=True))


def measure(networks: int, inputs: int, seed: int, jobs: int = 1) -> dict[str, Any]:
  """The figures of all networks together."""
  start = time.monotonic()
  tasks = [(number, inputs, seed) for number in range(networks)]
  if jobs > 1:
    context = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(jobs, context) as pool:
      counts = list(pool.map(_one, tasks))
  else:
    counts = [_one(task) for task in tasks]
  total = {
    field.name: sum(getattr(each, field.name) for each in counts)
    for field in dataclasses.fields(Count)
  }
  return {
    'networks': networks,
    'inputs': inputs,
    'output_bytes': total['bytes'],
    'exact_differing_bytes': total['bytes'] - total['exact'],
    'training_equal_share': round(total['training'] / total['bytes'], 6),
    'training_step_equal_share': round(total['step'] / total['bytes'], 6),
    'backend': keras.backend.backend(),
    'seed': seed,
    'seconds': round(time.monotonic() - start),
  }


def _one(task: tuple[int, int, int]) -> Count:
  number, inputs, seed = task
  found = count(network(number, seed), inputs, seed + number)
  print(f'{number}: {found}', file=sys.stderr, flush=True)
  keras.backend.clear_session()
  return found


def reached(figures: dict[str, Any]) -> bool:
  """Whether the figures are as wanted."""
  return figures['exact_differing_bytes'] == 0 and figures['training_equal_share'] >= MIN_SHARE


def main() -> int:
  """Prints the figures; 1 when they are not reached."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--networks', type=int, default=50)
  parser.add_argument('--inputs', type=int, default=100)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--jobs', type=int, default=1, help='processes')
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  figures = measure(arguments.networks, arguments.inputs, arguments.seed, arguments.jobs)
  if arguments.json:
    print(json.dumps(figures, indent=2))
  else:
    for name, value in figures.items():
      print(f'{name:28}{value}')
  return 0 if reached(figures) else 1


if __name__ == '__main__':
  sys.exit(main())
