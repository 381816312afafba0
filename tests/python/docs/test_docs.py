# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The pages say what is true: commands run, generated pages are up to date."""

from __future__ import annotations

import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tflm_patch.models.sample import sample_model_path
from tflm_patch.report.supported_operators import document

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
COMMAND = re.compile(r'^tflm-patch .*$', re.MULTILINE)


def test_supported_operators_is_up_to_date():
  assert (ROOT / 'docs/supported_operators.md').read_text() == document()


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
  for target in re.findall(r'\]\(([^)#]+)\)', page.read_text()):
    assert (page.parent / target).exists(), target


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_commands_of_the_page_run(page, tmp_path):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  shutil.copy(sample_model_path(), tmp_path / 'model.tflite')
  blocks = re.findall(r'```sh\n(.*?)```', page.read_text(), re.DOTALL)
  for command in COMMAND.findall('\n'.join(blocks)):
    arguments = shlex.split(command.split('#')[0])[1:]
    run = subprocess.run(
        [sys.executable, '-m', 'tflm_patch.cli.main', *arguments],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, (command, run.stderr)
