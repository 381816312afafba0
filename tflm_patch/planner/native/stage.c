/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <string.h>

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

static size_t input_count(const tflm_patch_stage_tables* t) {
  return (size_t)t->first_input[t->ops];
}

/* Steps of all inputs, one after the other. */
static size_t read_count(const tflm_patch_stage_tables* t) {
  size_t count = 0;
  for (int32_t i = 0; i < t->ops; ++i) {
    count += (size_t)(t->first_input[i + 1] - t->first_input[i]) * (size_t)t->steps[i];
  }
  return count;
}

/* Rows of all inputs, one after the other. */
static size_t row_count(const tflm_patch_stage_tables* t) {
  size_t count = 0;
  for (size_t k = 0; k < input_count(t); ++k) {
    count += (size_t)t->rows[t->input[k]];
  }
  return count;
}

/* Whether the tables are such as this code relies on. */
static bool is_plain(const tflm_patch_stage* stage) {
  const tflm_patch_stage_tables* t = &stage->t;
  for (int32_t m = 0; m < t->maps; ++m) {
    const bool is_made = stage->producer[m] >= 0;
    if (t->rows[m] < 1 || t->row_bytes[m] < 1 ||
        ((t->role[m] == TFLM_PATCH_INTERNAL || t->role[m] == TFLM_PATCH_OUTPUT) && !is_made)) {
      return false;
    }
  }
  for (int32_t i = 0; i < t->ops; ++i) {
    if (t->steps[i] < 1 || t->first_input[i] == t->first_input[i + 1] ||
        t->first_output[i] == t->first_output[i + 1]) {
      return false;
    }
    for (int32_t k = t->first_output[i]; k < t->first_output[i + 1]; ++k) {
      const int32_t rows = t->rows[t->output[k]];
      if (rows != t->steps[i] && !(t->accumulates[i] || t->kind[i] == TFLM_PATCH_JOIN)) {
        return false;
      }
    }
    for (int32_t k = t->first_input[i]; k < t->first_input[i + 1]; ++k) {
      const int32_t maker = stage->producer[t->input[k]];
      if (maker >= i) {
        return false;
      }
      if (t->kind[i] == TFLM_PATCH_JOIN &&
          (maker < 0 || t->kind[maker] == TFLM_PATCH_JOIN || t->view_base[t->input[k]] < 0)) {
        return false;
      }
    }
    if (t->kind[i] == TFLM_PATCH_CROP && t->view_base[t->output[t->first_output[i]]] < 0) {
      return false;
    }
  }
  return true;
}

static void find_producers(tflm_patch_stage* stage) {
  const tflm_patch_stage_tables* t = &stage->t;
  for (int32_t m = 0; m < t->maps; ++m) {
    stage->producer[m] = -1;
  }
  for (int32_t i = 0; i < t->ops; ++i) {
    for (int32_t k = t->first_output[i]; k < t->first_output[i + 1]; ++k) {
      stage->producer[t->output[k]] = i;
    }
  }
}

/* What steps of an operator need of its k-th input's maker, and the last steps at which
 * that input's rows are read. */
static void fill_reads(tflm_patch_stage* stage, int32_t i, int32_t k, const int64_t* first,
                       const int64_t* last, int32_t* producer_step, int32_t* steps) {
  const tflm_patch_stage_tables* t = &stage->t;
  const int32_t m = t->input[k];
  const int32_t maker = stage->producer[m];
  const bool at_end = maker >= 0 && t->accumulates[maker];
  for (int32_t s = 0; s < t->steps[i]; ++s) {
    producer_step[s] = at_end ? (last[s] >= 0 ? t->steps[maker] - 1 : -1) : (int32_t)last[s];
  }
  /* Row r is free when the oldest row needed from each step on is above r. */
  const int32_t rows = t->rows[m];
  int64_t oldest = rows;
  int32_t row = rows; /* rows from here on have their step */
  for (int32_t s = t->steps[i] - 1; s >= 0; --s) {
    const int64_t wanted = first[s] <= last[s] ? first[s] : rows;
    oldest = wanted < oldest ? wanted : oldest;
    while (row > 0 && row - 1 >= oldest) {
      steps[--row] = s;
    }
  }
  while (row > 0) {
    steps[--row] = -1;
  }
}

static void find_reads(tflm_patch_stage* stage, int32_t* producer_step, int32_t* steps) {
  const tflm_patch_stage_tables* t = &stage->t;
  const int64_t* first = t->reads_first;
  const int64_t* last = t->reads_last;
  memset(stage->first_reading, 0, ((size_t)t->maps + 1) * sizeof(int32_t));
  for (size_t k = 0; k < input_count(t); ++k) {
    ++stage->first_reading[t->input[k] + 1];
  }
  for (int32_t m = 0; m < t->maps; ++m) {
    stage->first_reading[m + 1] += stage->first_reading[m];
  }
  for (int32_t i = 0; i < t->ops; ++i) {
    for (int32_t k = t->first_input[i]; k < t->first_input[i + 1]; ++k) {
      const int32_t m = t->input[k];
      tflm_patch_reading* reading = &stage->reading[stage->first_reading[m]++];
      const bool is_crop = t->kind[i] == TFLM_PATCH_CROP;
      reading->op = i;
      reading->part = is_crop ? t->output[t->first_output[i]] : -1;
      reading->top = is_crop ? t->view_top[reading->part] : 0;
      reading->steps = steps;
      stage->producer_step[k] = producer_step;
      stage->read[k] = last;
      fill_reads(stage, i, k, first, last, producer_step, steps);
      first += t->steps[i];
      last += t->steps[i];
      producer_step += t->steps[i];
      steps += t->rows[m];
    }
  }
  for (int32_t m = t->maps; m > 0; --m) { /* the counters stand at the ends */
    stage->first_reading[m] = stage->first_reading[m - 1];
  }
  stage->first_reading[0] = 0;
}

/* The last operator that reads a map, -1 for none. */
static int32_t last_reader(const tflm_patch_stage* stage, int32_t m) {
  int32_t last = -1;
  for (int32_t k = stage->first_reading[m]; k < stage->first_reading[m + 1]; ++k) {
    last = larger(last, stage->reading[k].op);
  }
  return last;
}

/* First and last operator that make or read a part of a map: order.spans. */
static void find_span(const tflm_patch_stage* stage, int32_t m, int32_t* begin, int32_t* end) {
  const tflm_patch_stage_tables* t = &stage->t;
  *begin = stage->producer[m];
  *end = last_reader(stage, m);
  for (int32_t k = stage->first_reading[m]; k < stage->first_reading[m + 1]; ++k) {
    if (stage->reading[k].part >= 0) {
      *end = larger(*end, last_reader(stage, stage->reading[k].part));
    }
  }
  const int32_t joined = *begin;
  if (joined >= 0 && t->kind[joined] == TFLM_PATCH_JOIN) {
    for (int32_t k = t->first_input[joined]; k < t->first_input[joined + 1]; ++k) {
      const int32_t maker = stage->producer[t->input[k]];
      *begin = k == t->first_input[joined] || maker < *begin ? maker : *begin;
      *end = larger(*end, last_reader(stage, t->input[k]));
    }
  }
  *end = larger(*begin, *end);
}

/* Counts or enters operator i as a user of a map, and of what the map is a part of. */
static void count_user(tflm_patch_stage* stage, int32_t i, int32_t m, bool fill) {
  const tflm_patch_stage_tables* t = &stage->t;
  for (int32_t each = m; each >= 0; each = each == m ? t->view_base[m] : -1) {
    tflm_patch_use* use = &stage->use[each];
    if (fill) {
      stage->user[use->end_user++] = i;
      use->in_parts =
          use->in_parts || t->kind[i] == TFLM_PATCH_CROP || t->kind[i] == TFLM_PATCH_JOIN;
    } else {
      ++use->end_user;
    }
  }
}

static void count_users(tflm_patch_stage* stage, bool fill) {
  const tflm_patch_stage_tables* t = &stage->t;
  for (int32_t i = 0; i < t->ops; ++i) {
    for (int32_t k = t->first_input[i]; k < t->first_input[i + 1]; ++k) {
      count_user(stage, i, t->input[k], fill);
    }
    for (int32_t k = t->first_output[i]; k < t->first_output[i + 1]; ++k) {
      count_user(stage, i, t->output[k], fill);
    }
  }
}

static void find_uses(tflm_patch_stage* stage) {
  const tflm_patch_stage_tables* t = &stage->t;
  memset(stage->use, 0, (size_t)t->maps * sizeof(*stage->use));
  count_users(stage, false);
  int32_t at = 0;
  for (int32_t m = 0; m < t->maps; ++m) {
    tflm_patch_use* use = &stage->use[m];
    const int32_t count = use->end_user;
    use->first_user = use->end_user = at;
    at += count;
    find_span(stage, m, &use->begin, &use->end);
    if (t->role[m] == TFLM_PATCH_OUTPUT) {
      use->end = t->ops;
    }
    stage->span_end[m] = use->end;
    use->has_memory = t->view_base[m] < 0 && t->role[m] != TFLM_PATCH_CONSTANT &&
                      t->role[m] != TFLM_PATCH_KEPT_INPUT && count > 0;
  }
  count_users(stage, true);
}

/* How many different rows an operator's steps read last of its first input. */
static int32_t count_pulls(const tflm_patch_stage* stage, int32_t i) {
  const int64_t* last = stage->read[stage->t.first_input[i]];
  int32_t count = 0;
  for (int32_t s = 0; s < stage->t.steps[i]; ++s) {
    bool is_new = s == 0 || last[s] != last[s - 1];
    for (int32_t k = s - 2; is_new && k >= 0; --k) {
      is_new = last[k] != last[s];
    }
    count += is_new;
  }
  return count;
}

static void find_order(tflm_patch_stage* stage) {
  const tflm_patch_stage_tables* t = &stage->t;
  stage->pulls[0] = 0;
  for (int32_t i = 0; i < t->ops; ++i) {
    stage->pulls[i + 1] = stage->pulls[i] + (t->calls[i] == 1 ? count_pulls(stage, i) : 0);
    stage->first_reader[i] = t->ops;
    for (int32_t k = t->first_output[i]; k < t->first_output[i + 1]; ++k) {
      const int32_t m = t->output[k];
      for (int32_t r = stage->first_reading[m]; r < stage->first_reading[m + 1]; ++r) {
        const int32_t op = stage->reading[r].op;
        stage->first_reader[i] = op < stage->first_reader[i] ? op : stage->first_reader[i];
      }
    }
  }
}

/* Bytes of the maps alive at each cut: SegmentSearch._bytes_at_cuts. */
static void find_whole(tflm_patch_stage* stage) {
  const tflm_patch_stage_tables* t = &stage->t;
  memset(stage->whole, 0, ((size_t)t->ops + 2) * sizeof(*stage->whole));
  for (int32_t m = 0; m < t->maps; ++m) {
    if (t->role[m] == TFLM_PATCH_CONSTANT || t->role[m] == TFLM_PATCH_KEPT_INPUT ||
        t->view_base[m] >= 0) {
      continue;
    }
    const int32_t begin = t->role[m] == TFLM_PATCH_REUSED_INPUT ? -1 : stage->producer[m];
    const int32_t end = t->role[m] == TFLM_PATCH_OUTPUT ? t->ops : last_reader(stage, m);
    if (end > begin) {
      stage->whole[begin + 1] += t->rows[m] * t->row_bytes[m];
      stage->whole[end + 1] -= t->rows[m] * t->row_bytes[m];
    }
  }
  for (int32_t i = 0; i <= t->ops; ++i) {
    stage->whole[i + 1] += stage->whole[i];
  }
}

bool tflm_patch_stage_init(tflm_patch_stage* stage, const tflm_patch_stage_tables* tables,
                           tflm_patch_room* room) {
  const size_t ops = (size_t)tables->ops;
  const size_t maps = (size_t)tables->maps;
  const size_t inputs = input_count(tables);
  const size_t users = 2 * (inputs + (size_t)tables->first_output[ops]);
  stage->t = *tables;
  stage->producer = tflm_patch_take(room, maps, sizeof(*stage->producer));
  stage->first_reader = tflm_patch_take(room, ops, sizeof(*stage->first_reader));
  stage->producer_step = tflm_patch_take(room, inputs, sizeof(*stage->producer_step));
  stage->read = tflm_patch_take(room, inputs, sizeof(*stage->read));
  stage->first_reading = tflm_patch_take(room, maps + 1, sizeof(*stage->first_reading));
  stage->reading = tflm_patch_take(room, inputs, sizeof(*stage->reading));
  stage->use = tflm_patch_take(room, maps, sizeof(*stage->use));
  stage->span_end = tflm_patch_take(room, maps, sizeof(*stage->span_end));
  stage->user = tflm_patch_take(room, users, sizeof(*stage->user));
  stage->pulls = tflm_patch_take(room, ops + 1, sizeof(*stage->pulls));
  stage->whole = tflm_patch_take(room, ops + 2, sizeof(*stage->whole));
  int32_t* producer_step = tflm_patch_take(room, read_count(tables), sizeof(*producer_step));
  int32_t* steps = tflm_patch_take(room, row_count(tables), sizeof(*steps));
  stage->most_rows = 0;
  stage->total_rows = 0;
  for (size_t m = 0; m < maps; ++m) {
    stage->most_rows = larger(stage->most_rows, tables->rows[m]);
    stage->total_rows += tables->rows[m];
  }
  stage->total_steps = 0;
  for (size_t i = 0; i < ops; ++i) {
    stage->total_steps += tables->steps[i];
  }
  if (room->memory == NULL) {
    return true;
  }
  find_producers(stage);
  if (!is_plain(stage)) {
    return false;
  }
  find_reads(stage, producer_step, steps);
  find_uses(stage);
  find_order(stage);
  find_whole(stage);
  return true;
}
