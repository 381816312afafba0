# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Quantization-aware scaling against gradient descent on the integers, rate by rate.

  pip install 'tflm-patch[train]'
  python benchmarks/qas.py --data sign_digits.tar --out folder --json

The network of three hand signs of `benchmarks/adapt.py` learns seven others: the same samples, in
the same order, with the same int8 weights, stochastic rounding and cosine of the rate; what
differs is what gradients are multiplied by. `qas` divides them by the square of a weight's scale,
which makes a step that of gradient descent on the real weights; `sgd` does not. One rate serves
all tensors.
Schemes:

- `biases`: the biases of all layers, and the new last layer;
- `sparse`: what `tflm_patch.on_device` finds in 30 KB;
- `all`: all weights and biases of the network, whatever memory that takes.

Every line is a scheme, a scaling and a rate, with the loss and the accuracy on photographs that
nothing was learned from. `worse` says that the loss ends above where it began.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('OMP_NUM_THREADS', '1')  # small products of matrices

import adapt
import provenance

from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.scheme import Scheme
from tflm_patch.on_device.simulation.adaptation import Adapter, AdaptOptions
from tflm_patch.on_device.simulation.choices import Choice
from tflm_patch.on_device.simulation.learning import LearningOptions, learn
from tflm_patch.on_device.simulation.updates import Scaling
from tflm_patch.training import read_images

RATES = {
  Scaling.QUANTIZATION_AWARE: (0.002, 0.006, 0.02, 0.06, 0.2),
  Scaling.NONE: (1e2, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6),
}
NAMES = {Scaling.QUANTIZATION_AWARE: 'qas', Scaling.NONE: 'sgd'}


def schemes_of(adapter: Adapter) -> dict[str, Scheme]:
  """What is trained, by name."""
  space = adapter.space
  return {
    'biases': space.scheme(Choice(len(space.layers), {})),
    'sparse': adapter.candidates()[0].scheme,
    'all': space.last_layers(len(space.layers)),
  }


def rows_of(arguments: Any, seed: int, folder: pathlib.Path) -> Iterator[dict[str, Any]]:
  """All lines of a seed."""
  dataset = read_images(arguments.data, (48, 48, 3), adapt.SPLIT_SEED)
  known, new, test = adapt.split(dataset, seed, adapt.SAMPLES)
  result = adapt.learned(known, seed, folder / f'seed_{seed}', arguments.threads)
  samples, judged = adapt.as_samples(new), adapt.as_samples(test)
  training = TrainingOptions(samples=1, seed=seed)
  options = AdaptOptions(
    memory=adapt.MEMORY, classes=adapt.NEW, training=training, rate=adapt.RATE, seed=seed
  )
  adapter = Adapter(result.quantized.model, samples, options)
  for name, scheme in schemes_of(adapter).items():
    if name not in arguments.schemes.split(','):
      continue
    given, others = (adapter.prepared(each, scheme.first) for each in (samples, judged))
    for scaling, rates in RATES.items():
      for rate in rates:
        learning = LearningOptions(
          rate=rate, epochs=arguments.epochs, accumulation=1, scaling=scaling, seed=seed
        )
        curve = learn(adapter.network, scheme, given, others, learning, each_epoch=False).curve
        yield {
          'seed': seed,
          'scheme': name,
          'scaling': NAMES[scaling],
          'rate': rate,
          'accuracy': 100 * (curve[-1].accuracy or 0.0),
          'loss': curve[-1].loss,
          'worse': not curve[-1].loss < curve[0].loss,
        }


def main() -> None:
  """Learns, prints."""
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--data', required=True, help='the folder or .tar of the photographs')
  parser.add_argument('--seeds', default='1', help='with commas between')
  parser.add_argument('--schemes', default='biases,sparse,all', help='with commas between')
  parser.add_argument('--epochs', type=int, default=5)
  parser.add_argument('--out', help='a folder to keep the networks of the known classes in')
  parser.add_argument('--threads', type=int, default=1)
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  arguments = parser.parse_args()
  begin = time.monotonic()
  rows = []
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(arguments.out or temporary)
    for seed in map(int, arguments.seeds.split(',')):
      for row in rows_of(arguments, seed, folder):
        rows.append(row)
        print(json.dumps(row), file=sys.stderr if arguments.json else sys.stdout, flush=True)
  if arguments.json:
    found = {
      'schema_version': 1,
      'command': 'python benchmarks/qas.py --data sign_digits.tar --out folder --json',
      'commit': provenance.commit(),
      'seconds': round(time.monotonic() - begin),
      'epochs': arguments.epochs,
      'seeds': arguments.seeds,
      'rows': rows,
    }
    print(json.dumps(found, indent=2))


if __name__ == '__main__':
  main()
