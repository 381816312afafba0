/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Validation of a schedule: it is run without the arithmetic. No step reads a row
 * that is not made yet or no longer there, copies a row over itself, or writes what
 * an operator keeps in its scratch.
 */
#include "overlap.h"
#include "validate.h"

/* The state of a segment under simulation. */
typedef struct {
  const tflm_patch_segment* segment;
  uint32_t bands;                    /* of the input that were given */
  uint32_t n_sums;                   /* operators that hold sums ... */
  uint8_t sums[TFLM_PATCH_MAX_OPS];  /* ... in their scratch, between two steps */
  uint16_t done[TFLM_PATCH_MAX_OPS]; /* steps that each operator has run */
} simulation;

/* Whether rows first..last of a map are there. */
static int are_rows_there(const tflm_patch_validator* v, const simulation* s,
                          const tflm_patch_map* map,
                          const tflm_patch_span* rows) {
  const tflm_patch_op* producer = &v->stage.ops[map->producer];
  const uint16_t done = s->done[map->producer - s->segment->first_op];
  int32_t made = done;
  if (map->rows != producer->steps) { /* it accumulates */
    made = done == producer->steps ? map->rows : 0;
  }
  return rows->first > rows->last ||
         (rows->last < made && rows->first + map->ring_rows >= made);
}

/* Whether the rows that a FEED step copies are those of the band at hand. */
static int is_band_there(const tflm_patch_validator* v, const simulation* s,
                         const tflm_patch_op* op, const tflm_patch_step* step) {
  const uint32_t rows = tflm_patch_input_map(&v->stage, op, 0)->rows;
  return step->row / rows == s->bands &&
         step->row % rows + step->count <= rows;
}

/* ---- memory of a step ---- */

/* Whether an operator's only output row is made of sums of all its steps. */
static int accumulates(const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return op->scratch_bytes != 0 &&
         tflm_patch_output_map(stage, op, 0)->rows != op->steps;
}

static const tflm_patch_op* sums_op(const tflm_patch_validator* v, const simulation* s,
                                    uint32_t i) {
  return &v->stage.ops[s->segment->first_op + s->sums[i]];
}

/* Whether rows [first, end) that an operator makes, or its scratch, lie over sums
 * that an operator holds: kernels rely on their being what was summed. */
static int are_sums_hit(const tflm_patch_validator* v, const simulation* s,
                        const tflm_patch_op* op, uint32_t first, uint32_t end) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_bytes own = tflm_patch_scratch_bytes(op);
  for (uint32_t i = 0; i < s->n_sums; ++i) {
    const tflm_patch_op* other = sums_op(v, s, i);
    const tflm_patch_bytes sums = tflm_patch_scratch_bytes(other);
    if (other == op) {
      continue;
    }
    if (tflm_patch_bytes_overlap(&own, &sums)) {
      return 1;
    }
    for (uint32_t k = 0; k < op->n_outputs; ++k) {
      if (tflm_patch_rows_overlap(tflm_patch_output_map(stage, op, k), first,
                                  end, &sums)) {
        return 1;
      }
    }
  }
  return 0;
}

/* Whether the memory of a step's outputs may be written: their rows lie neither over
 * the operator's own scratch nor over another's sums. */
static int are_outputs_free(const tflm_patch_validator* v, const simulation* s,
                            const tflm_patch_op* op,
                            const tflm_patch_step* step) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_bytes own = tflm_patch_scratch_bytes(op);
  uint32_t first = step->row;
  uint32_t end = first + step->count;
  if (accumulates(stage, op)) { /* the last step makes the only row */
    first = 0;
    end = end == op->steps;
  }
  for (uint32_t i = 0; i < op->n_outputs; ++i) {
    if (tflm_patch_rows_overlap(tflm_patch_output_map(stage, op, i), first, end,
                                &own)) {
      return 0;
    }
  }
  return !are_sums_hit(v, s, op, first, end);
}

/* Whether a FEED step copies rows of the band to other memory. */
static int is_feed_apart(const tflm_patch_validator* v, const tflm_patch_op* op,
                         const tflm_patch_step* step) {
  const tflm_patch_map* band = tflm_patch_input_map(&v->stage, op, 0);
  const uint32_t row = step->row % band->rows;
  const tflm_patch_bytes rows =
      tflm_patch_rows_bytes(band, row, row + step->count);
  return !tflm_patch_rows_overlap(tflm_patch_output_map(&v->stage, op, 0),
                                  step->row, (uint32_t)step->row + step->count,
                                  &rows);
}

/* Between two bands the application writes the inputs. */
static tflm_patch_status check_pause(const tflm_patch_validator* v, simulation* s,
                                     const tflm_patch_step* step) {
  s->bands += 1;
  for (uint32_t i = 0; i < s->n_sums; ++i) {
    const uint32_t region = sums_op(v, s, i)->scratch_region;
    if (region >= TFLM_PATCH_REGION_TENSOR &&
        region - TFLM_PATCH_REGION_TENSOR < v->n_inputs) {
      return TFLM_PATCH_BAD_STEP;
    }
  }
  return step->row == 0 && step->count == 0 ? TFLM_PATCH_OK
                                            : TFLM_PATCH_BAD_STEP;
}

/* Notes that an operator has run until a step. */
static void advance(const tflm_patch_validator* v, simulation* s, uint32_t op,
                    uint32_t end) {
  const tflm_patch_op* found = &v->stage.ops[s->segment->first_op + op];
  const int holds = s->done[op] != 0;
  s->done[op] = (uint16_t)end;
  if (!accumulates(&v->stage, found) || holds == (end < found->steps)) {
    return;
  }
  if (!holds) {
    s->sums[s->n_sums++] = (uint8_t)op;
    return;
  }
  for (uint32_t i = 0; i < s->n_sums; ++i) {
    if (s->sums[i] == op) {
      s->sums[i] = s->sums[--s->n_sums];
      return;
    }
  }
}

/* ---- steps ---- */

static int is_from_start(const tflm_patch_map* map) {
  return map->producer == TFLM_PATCH_NONE || map->kept;
}

/* Whether the rows of an input that a step reads are there: not those of a ring of
 * another segment. */
static int is_input_there(const tflm_patch_validator* v, const simulation* s,
                          const tflm_patch_map* map,
                          const tflm_patch_span* rows) {
  if (is_from_start(map)) {
    return 1;
  }
  if (map->producer < s->segment->first_op) {
    return map->ring_rows == map->rows;
  }
  return map->producer - s->segment->first_op < s->segment->n_ops &&
         are_rows_there(v, s, map, rows);
}

static tflm_patch_status check_step(const tflm_patch_validator* v, simulation* s,
                                    const tflm_patch_step* step) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_segment* segment = s->segment;
  if (step->op == TFLM_PATCH_PAUSE) {
    return check_pause(v, s, step);
  }
  if (step->op >= segment->n_ops) {
    return TFLM_PATCH_BAD_INDEX;
  }
  const tflm_patch_op* op = &stage->ops[segment->first_op + step->op];
  const uint32_t end = (uint32_t)step->row + step->count;
  if (step->count == 0 || step->row != s->done[step->op] || end > op->steps) {
    return TFLM_PATCH_BAD_STEP;
  }
  if (op->kind == TFLM_PATCH_FEED &&
      (!is_band_there(v, s, op, step) || !is_feed_apart(v, op, step))) {
    return TFLM_PATCH_BAD_STEP;
  }
  const tflm_patch_kernel* kernel = tflm_patch_find_kernel(op->kind);
  const tflm_patch_bytes own = tflm_patch_scratch_bytes(op);
  tflm_patch_task task;
  tflm_patch_open_task(&task, stage, op);
  for (uint32_t i = 0; i < op->n_inputs; ++i) {
    const tflm_patch_map* map = tflm_patch_input_map(stage, op, i);
    if (is_from_start(map) && own.n == 0) {
      continue;
    }
    tflm_patch_span rows;
    tflm_patch_span last;
    task.input = map;
    kernel->reads(&task, step->row, &rows);
    if (step->count > 1) {
      kernel->reads(&task, end - 1, &last);
      rows.last = last.last;
    }
    if (!is_input_there(v, s, map, &rows) ||
        (rows.first <= rows.last &&
         tflm_patch_rows_overlap(map, (uint32_t)rows.first,
                                 (uint32_t)rows.last + 1, &own))) {
      return TFLM_PATCH_BAD_STEP;
    }
  }
  if (!are_outputs_free(v, s, op, step)) {
    return TFLM_PATCH_BAD_STEP;
  }
  advance(v, s, step->op, end);
  return TFLM_PATCH_OK;
}

static tflm_patch_status check_segment(const tflm_patch_validator* v, simulation* s) {
  const tflm_patch_segment* segment = s->segment;
  const tflm_patch_step* step = v->stage.steps + segment->first_step;
  const tflm_patch_step* end = step + segment->n_steps;
  s->n_sums = 0;
  for (uint32_t i = 0; i < segment->n_ops; ++i) {
    s->done[i] = 0;
  }
  for (; step != end; ++step) {
    const tflm_patch_status status = check_step(v, s, step);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  for (uint32_t i = 0; i < segment->n_ops; ++i) {
    if (s->done[i] != v->stage.ops[segment->first_op + i].steps) {
      return TFLM_PATCH_BAD_STEP;
    }
  }
  return TFLM_PATCH_OK;
}

tflm_patch_status tflm_patch_check_schedule(const tflm_patch_validator* v) {
  const tflm_patch_header* header = v->stage.header;
  uint32_t next_op = 0;
  uint32_t next_step = 0;
  uint32_t bands = 1;
  simulation s;
  s.bands = 0;
  for (uint32_t i = 0; i < header->n_segments; ++i) {
    const tflm_patch_segment* segment = &v->stage.segments[i];
    if (segment->first_op != next_op || segment->first_step != next_step ||
        segment->n_ops == 0 || segment->n_ops > TFLM_PATCH_MAX_OPS ||
        !tflm_patch_fits(next_op, segment->n_ops, header->n_ops) ||
        !tflm_patch_fits(next_step, segment->n_steps, header->n_steps)) {
      return TFLM_PATCH_BAD_INDEX;
    }
    s.segment = segment;
    const tflm_patch_status status = check_segment(v, &s);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
    next_op += segment->n_ops;
    next_step += segment->n_steps;
  }
  for (uint32_t i = 0; i < header->n_ops; ++i) {
    const tflm_patch_op* op = &v->stage.ops[i];
    if (op->kind == TFLM_PATCH_FEED) {
      if (bands != 1) {
        return TFLM_PATCH_BAD_OP;
      }
      bands = op->steps / tflm_patch_input_map(&v->stage, op, 0)->rows;
    }
  }
  if (s.bands != bands - 1) {
    return TFLM_PATCH_BAD_STEP;
  }
  return next_op == header->n_ops && next_step == header->n_steps
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_INDEX;
}
