# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An Open-CMSIS pack: a folder with its description, to be zipped."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from tflm_patch.codegen.names import fill
from tflm_patch.export import c_array, runner
from tflm_patch.export.arduino import numeric_version
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

VENDOR = 'tflm_patch'
# Where a pack's newer versions are looked for; whoever publishes it puts the address there.
URL = 'https://example.com/tflm_patch/'
TFLM_PACK = {'vendor': 'tensorflow', 'name': 'tensorflow-lite-micro', 'version': '1.24.8'}
SCHEMA = '1.7.36'
_RELEASE_DATE = '2026-11-21'
_CATEGORIES = {'.c': 'sourceC', '.cc': 'sourceCpp', '.h': 'header'}


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  files = {
    **component.tree('include', 'src'),
    'examples/run_once/main.c': runner.example(component.info, names, c_array.MAIN).encode(),
    'README.md': readme(
      component,
      'cmsis_pack/steps',
      vendor=VENDOR,
      pack_version=numeric_version(names.version),
      tflm=fill('cmsis_pack/tflm.md', names) if Runtime.TFLM in component.runtimes else '',
    ),
    'LICENSE': license_text(),
  }
  files[f'{VENDOR}.{names.lower}.pdsc'] = _description(component)
  return files


def _description(component: Component) -> bytes:
  """The .pdsc file."""
  names = component.names
  version = numeric_version(names.version)
  package = ElementTree.Element(
    'package',
    {
      'schemaVersion': SCHEMA,
      'xmlns:xs': 'http://www.w3.org/2001/XMLSchema-instance',
      'xs:noNamespaceSchemaLocation': f'https://raw.githubusercontent.com/Open-CMSIS-Pack/'
      f'Open-CMSIS-Pack-Spec/v{SCHEMA}/schema/PACK.xsd',
    },
  )
  _add(package, 'vendor', VENDOR)
  _add(package, 'name', names.lower)
  _add(package, 'description', f'The model {names.model} with its kernels')
  _add(package, 'url', URL)
  _add(package, 'license', 'LICENSE')
  releases = ElementTree.SubElement(package, 'releases')
  _add(
    releases, 'release', f'Made by tflm-patch {names.version}', version=version, date=_RELEASE_DATE
  )
  _requirements(package, component.runtimes[0])
  _components(package, component, version)
  ElementTree.indent(package)
  return ElementTree.tostring(package, encoding='utf-8', xml_declaration=True) + b'\n'


def _requirements(package: ElementTree.Element, runtime: Runtime) -> None:
  """What must be there beside the pack: languages, and TFLM's pack with its component."""
  requirements = ElementTree.SubElement(package, 'requirements')
  languages = ElementTree.SubElement(requirements, 'languages')
  ElementTree.SubElement(languages, 'language', {'name': 'C', 'version': '11'})
  if runtime != Runtime.TFLM:
    return
  ElementTree.SubElement(languages, 'language', {'name': 'C++', 'version': '17'})
  packages = ElementTree.SubElement(requirements, 'packages')
  ElementTree.SubElement(packages, 'package', TFLM_PACK)
  conditions = ElementTree.SubElement(package, 'conditions')
  needed = ElementTree.SubElement(conditions, 'condition', {'id': 'TFLM'})
  _add(needed, 'description', 'TensorFlow Lite Micro')
  ElementTree.SubElement(
    needed, 'require', {'Cclass': 'Machine Learning', 'Cgroup': 'TensorFlow', 'Csub': 'Kernel'}
  )


def _components(package: ElementTree.Element, component: Component, version: str) -> None:
  """The one component, with its files."""
  names, runtime = component.names, component.runtimes[0]
  attributes = {
    'Cclass': 'Machine Learning',
    'Cgroup': 'Model',
    'Csub': names.lower,
    'Cversion': version,
  }
  if runtime == Runtime.TFLM:
    attributes['condition'] = 'TFLM'
  components = ElementTree.SubElement(package, 'components')
  entry = ElementTree.SubElement(components, 'component', attributes)
  _add(entry, 'description', f'{names.model}, its kernels and what runs them')
  listed = ElementTree.SubElement(entry, 'files')
  ElementTree.SubElement(listed, 'file', {'category': 'include', 'name': 'include/'})
  for path in component.compiled(runtime):
    category = _CATEGORIES[path[path.rindex('.') :]]
    ElementTree.SubElement(listed, 'file', {'category': category, 'name': f'src/{path}'})
  ElementTree.SubElement(
    listed,
    'file',
    {
      'category': 'sourceC',
      'name': 'examples/run_once/main.c',
      'attr': 'template',
      'select': 'Run one inference',
      'version': version,
    },
  )


def _add(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
  ElementTree.SubElement(parent, tag, attributes).text = text


FORMAT = Format('cmsis-pack', 'the folder of an Open-CMSIS pack', _files)
