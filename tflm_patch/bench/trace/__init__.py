# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which blocks an emulated core executes, in which order: a plugin of QEMU."""
