# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Figures that the pages quote are those that benchmarks recorded."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _trained(name: str, net: dict[str, Any]) -> str:
  return (
    f'| {name} | {net["int8_accuracy"]:.1f} % | {net["arena_total"]:,} | {net["file_bytes"]:,} '
    f'| {net["cpu_seconds"] / 60:.0f} |'
  )


def _sign_digits(found: dict[str, Any]) -> list[str]:
  names = {
    '16kb': 'sign digits | 64x64x3',
    '8kb': 'sign digits | 64x64x1',
    'rows': 'sign digits | 96x96x3, row by row',
  }
  return [_trained(names[net['net']], net) for net in found['nets']]


def _cifar10(found: dict[str, Any]) -> list[str]:
  return [_trained('CIFAR-10 | 32x32x3', found)]


def _quantize(found: dict[str, Any]) -> list[str]:
  lines = []
  for model in found['models']:
    ours, theirs = model['own'], model['tensorflow']
    accuracies = (model['float_accuracy'], ours['int8_accuracy'], theirs['int8_accuracy'])
    cells = [f'{each:.2f} %' for each in accuracies]
    cells += [str(each['operators']) for each in (ours, theirs)]
    cells += [f'{each["file_bytes"]:,}' for each in (ours, theirs)]
    lines.append(f'| {model["model"]} | {" | ".join(cells)} |')
  return lines


def _callbacks(found: dict[str, Any]) -> list[str]:
  names = {
    'distillation': 'distillation, from a network trained as long',
    'NetAug': 'NetAug',
    'pruning': 'pruning, to the file size of the small network',
    'low rank': 'low rank',
  }
  return [
    f'| {names[row["option"]]} | {row["without"]["accuracy"]:.1f} % '
    f'| {row["with"]["accuracy"]:.1f} % | {"helps" if row["helps"] else ""}'
    for row in found['options']
  ]


def _qat_exact(found: dict[str, Any]) -> list[str]:
  assert found['exact_differing_bytes'] == 0
  return [
    f'{found["networks"]} random networks of {found["inputs"]} inputs each',
    f'of {found["output_bytes"]:,} output bytes',
    f'{100 * found["training_equal_share"]:.2f} %',
    f'{100 * found["training_step_equal_share"]:.1f} %',
  ]


def _qat(found: dict[str, Any]) -> list[str]:
  names = ('after_training', 'after_training_longer', 'fake_quantized', 'quantization_aware')
  lines = [f'({found["per_tensor"]["float"]:.1f} %)']
  for what, row in (('layer', found['per_tensor']), ('channel', found['per_channel'])):
    cells = ' | '.join(f'{row[name]:.1f} %' for name in names)
    lines.append(f'| one scale a {what} | {cells} |')
  return lines


def _supernet_speed(found: dict[str, Any]) -> list[str]:
  rates = found['images_per_cpu_second']
  rows = [
    f'| {name} | {rates[f"{name}_alone"]} | {rates[name]} |' for name in ('largest', 'smallest')
  ]
  return [*rows, f'| by chance | | {rates["random"]} |']


def _mlperf_tiny(found: dict[str, Any]) -> list[str]:
  cores = {'cortex-m4': 'Cortex-M4', 'cortex-m33': 'Cortex-M33'}
  lines = []
  for plan in ('smallest', 'fastest'):
    for cpu, name in cores.items():
      here = [model[plan] for model in found['models'] if model['cpu'] == cpu]
      cells = ' | '.join(f'{each["cycles"] / 1e6:.2f}' for each in here)
      lines.append(f'| {name} | tflm-patch, {plan} plan | modelled, no wait states | {cells} |')
  return lines


def _redistribution(found: dict[str, Any]) -> list[str]:
  before, after, trained = found['before'], found['after'], found['accuracy']
  assert trained['median_points_lost'] <= 0.5
  (same, moved) = (trained['seeds'][0][side] for side in ('same', 'redistributed'))
  more_macs = after['macs'] / before['macs'] - 1
  overheads = (100 * each['network_overhead'] for each in (before, after))
  return [
    f'patch stage {100 * same["stage_overhead"]:.0f} to {100 * moved["stage_overhead"]:.0f} %',
    f'arena {same["arena"]:,} to {moved["arena"]:,} bytes',
    f'{trained["median_accuracy_same"]:.2f} % before and '
    f'{trained["median_accuracy_redistributed"]:.2f} % afterwards',
    f'a patch side of {after["patch_side"]} instead of {before["patch_side"]}',
    f'from {100 * before["stage_overhead"]:.0f} to {100 * after["stage_overhead"]:.0f} %',
    'from {:.1f} to {:.1f} %'.format(*overheads),
    f'with {100 * more_macs:.1f} % more MACs',
  ]


def _training_step(found: dict[str, Any]) -> list[str]:
  lines = []
  for name, row in found['schemes'].items():
    numbers = ('parameters', 'memory_total', 'memory_over_inference')
    cells = [f'{row[each]:,}' for each in numbers]
    cells += [f'{row[f"instructions_{each}"] / 1e6:.1f}' for each in ('forward', 'step')]
    cells += [f'{row["ratio"]:.2f}', f'{row["cycles"] / 1e6:.1f}']
    lines.append(f'| {name} | {" | ".join(cells)} |')
  return lines


def _adapt(found: dict[str, Any]) -> list[str]:
  assert not found['missed'] and found['gap'] >= 6 and found['gap_closed'] >= 0.75
  names = ('last_layers', 'sparse', 'full_float')
  lines = []
  for row in found['seeds']:
    assert row['step_inferences_measured'] <= 3
    closed = (row['sparse'] - row['last_layers']) / (row['full_float'] - row['last_layers'])
    cells = [f'{row[name]:.1f} %' for name in names]
    cells += [f'{100 * closed:.0f} %', f'{row["plain"]:.1f} %', f'{row["memory_total"]:,}']
    lines.append(
      f'| seed {row["seed"]} | {" | ".join(cells)} | {row["step_inferences_measured"]:.2f} |'
    )
  cells = [f'{found["medians"][name]:.1f} %' for name in names]
  plain = f'{found["medians"]["plain"]:.1f} %'
  return [
    *lines,
    f'| medians | {" | ".join(cells)} | {100 * found["gap_closed"]:.0f} % | {plain} |',
  ]


def _qas(found: dict[str, Any]) -> list[str]:
  lines = []
  for scheme in ('biases', 'sparse', 'all'):
    for scaling, name in (('qas', 'with'), ('sgd', 'without')):
      rows = [row for row in found['rows'] if (row['scheme'], row['scaling']) == (scheme, scaling)]
      cells = []
      for row in rows:
        # One of seven classes for every photograph.
        text = 'diverges' if row['accuracy'] < 15 else f'{row["accuracy"]:.1f} %'
        cells.append(f'{row["rate"]:g}: {text}')
      best = max(row['accuracy'] for row in rows)
      lines.append(f'| {scheme} | {name} | {", ".join(cells)} | {best:.1f} % |')
  return lines


def _sequences(found: dict[str, Any]) -> list[str]:
  assert all(model['bit_exact'] and model['steps'] >= 1000 for model in found['models'])
  rows = {model['name']: model for model in found['models']}
  for name in ('okay_nabu', 'vad'):
    assert rows[name]['instructions'] <= 0.6 * rows[name]['stock_instructions']
  lines = []
  for model in found['models']:
    if model['window_macs'] is None:
      keys = ('stock_arena', 'arena', 'state', 'stock_instructions', 'instructions')
      cells = ['-' if model[key] is None else f'{model[key]:,}' for key in keys]
      lines.append(f'| {model["name"]} | {" | ".join(cells)} |')
      if model['reference_instructions'] is not None:
        lines.append(f'{model["reference_instructions"]:,}')
      continue
    sizes = ' | '.join(f'{model[key]:,}' for key in ('stock_arena', 'arena', 'state'))
    work = f'{model["instructions"]:,} | {model["window_instructions"]:,}'
    share = 100 * model['macs'] / model['window_macs']
    lines.append(f'| {model["name"]} | {sizes} | {share:.1f} % | {work} |')
  return lines


def _generated_sequences(found: dict[str, Any]) -> list[str]:
  return [
    f'{sum(found["graphs"].values()):,} models, {found["steps"]:,} steps, '
    f'{found["resets"]:,} resets, {found["differences"]} differences'
  ]


def _detection(found: dict[str, Any]) -> list[str]:
  lines = [
    f'| {row["side"]}x{row["side"]} | {row["map"]:.1f} % | {row["arena_stock"]:,} '
    f'| {row["arena_converted"]:,} | {row["arena_rows"]:,} |'
    for row in found['rows']
  ]
  best = found['best']
  return [
    *lines,
    f'In 32 KB stock TFLM gets to {best["stock"]["map"]:.1f} %, the converted model to '
    f'{best["converted"]["map"]:.1f} %',
  ]


def _training_kernels(found: dict[str, Any]) -> list[str]:
  return [
    f'| {name} | {row["tensorflow"]:.0f} ms | {row["onednn"]:.0f} ms | {row["ratio"]:.2f}x |'
    for name, row in found['cpu_milliseconds_of_a_step'].items()
  ]


def _search_spaces(found: dict[str, Any]) -> list[str]:
  assert (found['spaces'], found['samples']) == (108, 1000) and len(found['ranking']) == 108
  lines = [
    f'{found["checked"]:,} networks in {found["cpu_seconds"]} CPU seconds, '
    f'of which {found["fitting"]:,} fit'
  ]
  for row in found['ranking'][:3]:
    mean, quantile = (row[name] / 1e6 for name in ('mean_macs', 'quantile_macs'))
    shape = 'x'.join(map(str, row['input_shape']))
    lines.append(
      f'| {shape} | {row["width"]:g} | {100 * row["fitting"]:.1f} % | {mean:.1f} | {quantile:.1f} |'
    )
  return lines


def _search_sign_digits(found: dict[str, Any]) -> list[str]:
  assert found['medians']['reached']
  lines = []
  for split in found['splits']:
    arms = [split[arm] for arm in ('searched', 'random', 'mobilenet_v2')]
    ours, chance, mobilenet = (f'{arm["int8_accuracy"]:.2f} %' for arm in arms)
    lines.append(
      f'| {split["seed"]} | {ours} in {arms[0]["arena_total"]:,} bytes | {chance} | {mobilenet} |'
    )
  return lines


def _search_arms(found: dict[str, Any]) -> list[str]:
  names = {
    'searched': 'searched',
    'random': 'by chance',
    'mobilenet_v2': 'MobileNetV2, scaled',
    'greedy': 'greedy',
    'supernet': 'with a supernet',
  }
  (split,) = found['splits']
  return [
    f'| {names[arm]} | {row["int8_accuracy"]:.2f} % | {row["arena_total"]:,} '
    f'| {row["file_bytes"]:,} | {row["macs"]:,} | {row["cpu_seconds"] / 60:.0f} |'
    for arm, row in split.items()
    if arm != 'seed'
  ]


def _joint_search(found: dict[str, Any]) -> list[str]:
  names = {
    'stock': 'the arena of the stock model',
    'analytic': 'the peak of layers, converted afterwards',
    'joint': 'the arena of the converted model',
  }
  lines = [
    f'| {row["limit"] // 1024} KB | {names[row["arm"]]} | {row["int8_accuracy"]:.2f} % '
    f'| {row["arena_stock"]:,.0f} | {row["arena"]:,.0f} | {row["macs"] / 1e6:.2f} |'
    for row in found['summary']
    if 'arena' in row
  ]
  return lines + [
    f'{row["points"]:+.2f} points ({row["least"]:+.2f} to {row["most"]:+.2f})'
    for row in found['differences']
  ]


def _rank_correlation(found: dict[str, Any]) -> list[str]:
  return [
    f'Kendall {found["kendall"]:.2f}, Spearman {found["spearman"]:.2f}, '
    f'of {len(found["networks"])} networks'
  ]


# Recorded file, page, what the page must say.
QUOTED: list[tuple[str, str, Callable[[dict[str, Any]], list[str]]]] = [
  ('train_sign_digits', 'train', _sign_digits),
  ('train_cifar10', 'train', _cifar10),
  ('train_cifar10_longer', 'train', _cifar10),
  ('training_kernels', 'train', _training_kernels),
  ('quantize', 'quantize', _quantize),
  ('callbacks_help', 'callbacks', _callbacks),
  ('qat_exact', 'qat', _qat_exact),
  ('qat', 'qat', _qat),
  ('supernet_speed', 'supernet', _supernet_speed),
  ('detection', 'detection', _detection),
  ('search_spaces', 'search_spaces', _search_spaces),
  ('search_sign_digits', 'search', _search_sign_digits),
  ('search_cifar10_unas', 'search', _search_arms),
  ('strategies_sign_digits', 'search', _search_arms),
  ('strategies_cifar10', 'search', _search_arms),
  ('joint_search', 'supernet', _joint_search),
  ('rank_correlation', 'supernet', _rank_correlation),
  ('mlperf_tiny', 'speed', _mlperf_tiny),
  ('redistribution', 'redistribution', _redistribution),
  ('training_step', 'training_component', _training_step),
  ('adapt', 'adapt', _adapt),
  ('qas', 'adapt', _qas),
  ('sequences', 'sequences', _sequences),
  ('generated_sequences', 'graphs', _generated_sequences),
]


def _page(name: str) -> str:
  return ' '.join((ROOT / f'docs/{name}.md').read_text().split())


@pytest.mark.parametrize(('recorded', 'page', 'lines'), QUOTED, ids=[each[0] for each in QUOTED])
def test_pages_quote_what_was_recorded(recorded, page, lines):
  found = json.loads((ROOT / f'benchmarks/results/{recorded}.json').read_text())
  text, wanted = _page(page), lines(found)
  assert wanted
  for line in wanted:
    assert ' '.join(line.split()) in text, line


def test_everything_recorded_says_how():
  for path in (ROOT / 'benchmarks/results').glob('*.json'):
    found = json.loads(path.read_text())
    assert {'command', 'commit', 'seconds'} <= found.keys(), path.name
    assert 'seed' in found or 'seeds' in found, path.name
