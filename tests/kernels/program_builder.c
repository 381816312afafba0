/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "program_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#ifdef BUILDER_GUARDS
enum { HEAD = 16, GUARD = 256, GUARD_BYTE = 0xA7 };
#endif

static void ensure(int condition, const char* what) {
  if (!condition) {
    fprintf(stderr, "program builder: %s\n", what);
    exit(2);
  }
}

uint8_t* builder_allocate(size_t n) {
#ifdef BUILDER_GUARDS
  uint8_t* block = (uint8_t*)malloc(n + HEAD + 2 * GUARD);
  ensure(block != NULL, "out of memory");
  memcpy(block, &n, sizeof(n));
  memset(block + HEAD, GUARD_BYTE, n + 2 * GUARD);
  uint8_t* bytes = block + HEAD + GUARD;
#else
  uint8_t* bytes = (uint8_t*)malloc(n + (n == 0));
  ensure(bytes != NULL, "out of memory");
#endif
  ensure((uintptr_t)bytes % TFLM_PATCH_ALIGNMENT == 0, "malloc's alignment");
  return bytes;
}

void builder_release(uint8_t* bytes) {
#ifdef BUILDER_GUARDS
  if (bytes == NULL) {
    return;
  }
  uint8_t* block = bytes - GUARD - HEAD;
  size_t n;
  memcpy(&n, block, sizeof(n));
  for (size_t i = 0; i < GUARD; ++i) {
    ensure(bytes[-1 - (int)i] == GUARD_BYTE, "a byte before a buffer changed");
    ensure(bytes[n + i] == GUARD_BYTE, "a byte behind a buffer changed");
  }
  bytes = block;
#endif
  free(bytes);
}

void builder_init(builder* b) {
  memset(b, 0, sizeof(*b));
  b->header.magic = TFLM_PATCH_MAGIC;
  b->header.version = TFLM_PATCH_VERSION;
}

uint32_t builder_tensor(builder* b, uint8_t type, uint32_t bytes, int output) {
  const uint32_t index = (uint32_t)b->header.n_inputs + b->header.n_outputs;
  ensure(index < TFLM_PATCH_MAX_TENSORS, "too many tensors");
  ensure(output || b->header.n_outputs == 0, "an input after an output");
  b->tensors[index].type = type;
  b->tensors[index].bytes = bytes;
  if (output) {
    ++b->header.n_outputs;
  } else {
    ++b->header.n_inputs;
  }
  return index;
}

uint32_t builder_map(builder* b, uint8_t region, uint32_t offset, uint8_t type, uint32_t rows,
                     uint32_t cols, uint32_t channels, int zero_point) {
  ensure(b->header.n_maps < BUILDER_MAPS, "too many maps");
  tflm_patch_map* map = &b->maps[b->header.n_maps];
  map->offset = offset;
  map->row_bytes = cols * channels * tflm_patch_type_bytes(type);
  map->rows = (uint16_t)rows;
  map->ring_rows = (uint16_t)rows;
  map->cols = (uint16_t)cols;
  map->channels = (uint16_t)channels;
  map->region = region;
  map->type = type;
  map->zero_point = (int16_t)zero_point;
  map->producer = TFLM_PATCH_NONE;
  return b->header.n_maps++;
}

uint32_t builder_tensor_map(builder* b, uint8_t type, uint32_t rows, uint32_t cols,
                            uint32_t channels, int zero_point, int output) {
  const uint32_t tensor =
      builder_tensor(b, type, rows * cols * channels * tflm_patch_type_bytes(type), output);
  return builder_map(b, (uint8_t)(TFLM_PATCH_REGION_TENSOR + tensor), 0, type, rows, cols, channels,
                     zero_point);
}

/* The offset of n new bytes of workspace. */
static uint32_t workspace(builder* b, uint32_t n) {
  const uint32_t at = b->header.workspace_bytes;
  b->header.workspace_bytes =
      (at + n + TFLM_PATCH_ALIGNMENT - 1) / TFLM_PATCH_ALIGNMENT * TFLM_PATCH_ALIGNMENT;
  return at;
}

uint32_t builder_workspace_map(builder* b, uint8_t type, uint32_t rows, uint32_t ring_rows,
                               uint32_t cols, uint32_t channels, int zero_point) {
  const uint32_t index =
      builder_map(b, TFLM_PATCH_REGION_WORKSPACE, 0, type, rows, cols, channels, zero_point);
  tflm_patch_map* map = &b->maps[index];
  if (ring_rows != 0) {
    map->ring_rows = (uint16_t)ring_rows;
  }
  map->offset = workspace(b, map->ring_rows * map->row_bytes);
  return index;
}

uint32_t builder_constant(builder* b, const void* bytes, uint32_t n) {
  const uint32_t at = (b->header.constants_bytes + 3u) / 4u * 4u;
  ensure(at + n <= BUILDER_CONSTANTS, "too many constants");
  memcpy(b->constants + at, bytes, n);
  b->header.constants_bytes = at + n;
  return at;
}

void builder_segment(builder* b) {
  ensure(b->header.n_segments < BUILDER_SEGMENTS, "too many segments");
  tflm_patch_segment* segment = &b->segments[b->header.n_segments++];
  segment->first_op = b->header.n_ops;
  segment->first_step = b->header.n_steps;
}

uint32_t builder_op(builder* b, uint8_t kind, const uint32_t* inputs, uint32_t n_inputs,
                    uint32_t output, uint32_t steps, const void* params, uint32_t params_bytes,
                    uint32_t scratch_bytes) {
  return builder_op_outputs(b, kind, inputs, n_inputs, &output, 1, steps, params, params_bytes,
                            scratch_bytes);
}

uint32_t builder_op_outputs(builder* b, uint8_t kind, const uint32_t* inputs, uint32_t n_inputs,
                            const uint32_t* outputs, uint32_t n_outputs, uint32_t steps,
                            const void* params, uint32_t params_bytes, uint32_t scratch_bytes) {
  ensure(b->header.n_ops < BUILDER_OPS, "too many operators");
  ensure(b->header.n_edges + n_inputs + n_outputs <= BUILDER_EDGES, "too many edges");
  ensure(b->params_bytes + params_bytes <= BUILDER_PARAMS, "too many params");
  if (b->header.n_segments == 0) {
    builder_segment(b);
  }
  const uint32_t index = b->header.n_ops++;
  tflm_patch_op* op = &b->ops[index];
  op->kind = kind;
  op->n_inputs = (uint8_t)n_inputs;
  op->n_outputs = (uint8_t)n_outputs;
  op->first_edge = b->header.n_edges;
  op->steps = (uint16_t)steps;
  op->params = b->params_bytes;
  op->scratch = TFLM_PATCH_NONE;
  if (scratch_bytes != 0) {
    op->scratch = workspace(b, scratch_bytes);
    op->scratch_bytes = scratch_bytes;
  }
  if (params_bytes != 0) {
    memcpy(b->params + b->params_bytes, params, params_bytes);
  }
  b->params_bytes += (params_bytes + 3u) / 4u * 4u;
  for (uint32_t i = 0; i < n_inputs; ++i) {
    b->edges[b->header.n_edges++] = (uint16_t)inputs[i];
  }
  for (uint32_t i = 0; i < n_outputs; ++i) {
    b->edges[b->header.n_edges++] = (uint16_t)outputs[i];
    b->maps[outputs[i]].producer = index;
  }
  ++b->segments[b->header.n_segments - 1].n_ops;
  return index;
}

void builder_step(builder* b, uint32_t op, uint32_t row, uint32_t count) {
  ensure(b->header.n_steps < BUILDER_STEPS, "too many steps");
  tflm_patch_step* step = &b->steps[b->header.n_steps++];
  step->op = (uint8_t)op;
  step->row = (uint16_t)row;
  step->count = (uint8_t)count;
  ++b->segments[b->header.n_segments - 1].n_steps;
}

/* A stage whose tables are the builder's, for the kernels' `reads`. */
static tflm_patch_stage stage_of(const builder* b) {
  tflm_patch_stage stage = {0};
  stage.program = b->params;
  stage.header = &b->header;
  stage.maps = b->maps;
  stage.ops = b->ops;
  stage.edges = b->edges;
  stage.constants = b->constants;
  stage.constants_bytes = b->header.constants_bytes;
  return stage;
}

/* Runs operator `op` of the current segment until `done` of its steps. */
static void pull(builder* b, const tflm_patch_stage* stage, uint16_t* done, uint32_t op_index,
                 uint32_t steps) {
  const tflm_patch_segment* segment = &b->segments[b->header.n_segments - 1];
  const tflm_patch_op* op = &b->ops[segment->first_op + op_index];
  while (done[op_index] < steps) {
    const uint32_t step = done[op_index];
    for (uint32_t i = 0; i < op->n_inputs; ++i) {
      const tflm_patch_map* map = tflm_patch_input_map(stage, op, i);
      tflm_patch_task task;
      tflm_patch_span rows;
      if (map->producer == TFLM_PATCH_NONE || map->producer < segment->first_op) {
        continue;
      }
      tflm_patch_open_task(&task, stage, op);
      task.input = map;
      tflm_patch_find_kernel(op->kind)->reads(&task, step, &rows);
      if (rows.first <= rows.last) {
        const tflm_patch_op* producer = &b->ops[map->producer];
        pull(b, stage, done, map->producer - segment->first_op,
             map->rows == producer->steps ? (uint32_t)rows.last + 1 : producer->steps);
      }
    }
    builder_step(b, op_index, step, 1);
    ++done[op_index];
  }
}

void builder_stream(builder* b) {
  const tflm_patch_stage stage = stage_of(b);
  const tflm_patch_segment* segment = &b->segments[b->header.n_segments - 1];
  uint16_t done[BUILDER_OPS] = {0};
  pull(b, &stage, done, segment->n_ops - 1u, b->ops[segment->first_op + segment->n_ops - 1u].steps);
  for (uint32_t i = 0; i < segment->n_ops; ++i) { /* rows that nobody reads */
    pull(b, &stage, done, i, b->ops[segment->first_op + i].steps);
  }
}

encoded builder_encode(const builder* b) {
  encoded e = {0};
  tflm_patch_header header = b->header;
  header.maps = sizeof(header);
  header.ops = header.maps + header.n_maps * (uint32_t)sizeof(tflm_patch_map);
  header.edges = header.ops + header.n_ops * (uint32_t)sizeof(tflm_patch_op);
  header.segments = header.edges + (header.n_edges * 2u + 3u) / 4u * 4u;
  header.steps = header.segments + header.n_segments * (uint32_t)sizeof(tflm_patch_segment);
  const uint32_t params = header.steps + header.n_steps * (uint32_t)sizeof(tflm_patch_step);
  header.program_bytes = params + b->params_bytes;

  e.program_bytes = header.program_bytes;
  e.program = builder_allocate(e.program_bytes);
  memset(e.program, 0, e.program_bytes);
  memcpy(e.program, &header, sizeof(header));
  for (uint32_t i = 0; i < header.n_maps; ++i) {
    tflm_patch_map map = b->maps[i];
    if (map.split == 0) {
      map.split = map.ring_rows;
    }
    memcpy(e.program + header.maps + i * sizeof(map), &map, sizeof(map));
  }
  for (uint32_t i = 0; i < header.n_ops; ++i) {
    tflm_patch_op op = b->ops[i];
    op.params += params;
    memcpy(e.program + header.ops + i * sizeof(op), &op, sizeof(op));
  }
  memcpy(e.program + header.edges, b->edges, header.n_edges * 2u);
  memcpy(e.program + header.segments, b->segments, header.n_segments * sizeof(b->segments[0]));
  memcpy(e.program + header.steps, b->steps, header.n_steps * sizeof(b->steps[0]));
  memcpy(e.program + params, b->params, b->params_bytes);

  e.constants_bytes = header.constants_bytes;
  if (e.constants_bytes != 0) {
    e.constants = builder_allocate(e.constants_bytes);
    memcpy(e.constants, b->constants, e.constants_bytes);
  }
  memcpy(e.tensors, b->tensors, sizeof(e.tensors));
  e.n_tensors = (size_t)header.n_inputs + header.n_outputs;
  encoded_repair(&e);
  return e;
}

encoded encoded_copy(const encoded* e) {
  encoded copy = *e;
  copy.program = builder_allocate(e->program_bytes);
  memcpy(copy.program, e->program, e->program_bytes);
  if (e->constants != NULL) {
    copy.constants = builder_allocate(e->constants_bytes);
    memcpy(copy.constants, e->constants, e->constants_bytes);
  }
  return copy;
}

void encoded_free(encoded* e) {
  builder_release(e->program);
  builder_release(e->constants);
  memset(e, 0, sizeof(*e));
}

void encoded_repair(encoded* e) {
  tflm_patch_header* header = (tflm_patch_header*)(void*)e->program;
  if (header->program_bytes >= sizeof(*header) && header->program_bytes <= e->program_bytes) {
    header->checksum = tflm_patch_checksum(e->program + TFLM_PATCH_CHECKSUM_FROM,
                                           header->program_bytes - TFLM_PATCH_CHECKSUM_FROM);
  }
}

void builder_use_fast_memory(builder* b) {
  for (uint32_t i = 0; i < b->header.n_maps; ++i) {
    if (b->maps[i].region == TFLM_PATCH_REGION_WORKSPACE) {
      b->maps[i].region = TFLM_PATCH_REGION_FAST;
    }
  }
  for (uint32_t i = 0; i < b->header.n_ops; ++i) {
    if (b->ops[i].scratch_region == TFLM_PATCH_REGION_WORKSPACE) {
      b->ops[i].scratch_region = TFLM_PATCH_REGION_FAST;
    }
  }
  b->header.fast_bytes = b->header.workspace_bytes;
  b->header.workspace_bytes = 0;
}

tflm_patch_status encoded_validate(const encoded* e) {
  return tflm_patch_validate(e->program, e->program_bytes, e->constants, e->constants_bytes,
                             e->tensors, e->n_tensors);
}

tflm_patch_status encoded_run(const encoded* e, const void* const* inputs, void* const* outputs,
                              uint8_t fill) {
  const tflm_patch_header* header = (const tflm_patch_header*)(const void*)e->program;
  const size_t workspace_bytes = tflm_patch_workspace_size(e->program);
  uint8_t* memory = workspace_bytes != 0 ? builder_allocate(workspace_bytes) : NULL;
  void* tensors[TFLM_PATCH_MAX_TENSORS] = {0};
  if (memory != NULL) {
    memset(memory, fill, workspace_bytes);
  }
  for (size_t i = 0; i < e->n_tensors; ++i) {
    tensors[i] = builder_allocate(e->tensors[i].bytes);
    if (i < header->n_inputs) {
      memcpy(tensors[i], inputs[i], e->tensors[i].bytes);
    } else {
      memset(tensors[i], fill, e->tensors[i].bytes);
    }
  }
  const size_t state_bytes = tflm_patch_state_size(e->program);
  uint8_t* state = state_bytes != 0 ? builder_allocate(state_bytes) : NULL;
  tflm_patch_reset_state(e->program, state);
  const size_t fast_bytes = tflm_patch_fast_size(e->program);
  uint8_t* fast = fast_bytes != 0 ? builder_allocate(fast_bytes) : NULL;
  if (fast != NULL) {
    memset(fast, fill, fast_bytes);
  }
  tflm_patch_position position = {0, 0, state, fast, 0};
  tflm_patch_status status;
  do { /* every band is the same */
    status = tflm_patch_resume(e->program, e->constants, tensors, memory, &position);
  } while (status == TFLM_PATCH_ABORT);
  for (size_t i = 0; i < e->n_tensors; ++i) {
    if (i >= header->n_inputs) {
      memcpy(outputs[i - header->n_inputs], tensors[i], e->tensors[i].bytes);
    }
    builder_release(tensors[i]);
  }
  builder_release(memory);
  builder_release(state);
  builder_release(fast);
  return status;
}

uint32_t builder_ring(builder* b, uint32_t source, uint32_t ring_rows) {
  const tflm_patch_map map = b->maps[source];
  const uint32_t ring =
      builder_workspace_map(b, map.type, map.rows, ring_rows < map.rows ? ring_rows : map.rows,
                            map.cols, map.channels, map.zero_point);
  builder_op(b, TFLM_PATCH_CONCATENATION, &source, 1, ring, map.rows, NULL, 0, 0);
  return ring;
}
