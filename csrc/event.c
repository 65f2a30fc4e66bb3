/*
** event.c: from a row in binary format to an event.
*/
#include "fstore.h"

#include <stdio.h>
#include <string.h>

enum column {
  EVENT,
  EVENT_ID,
  EVENT_VERSION,
  DECIDER,
  DECIDER_ID,
  DATA,
  COMMAND_ID,
  PREVIOUS_ID,
  FINAL,
  CREATED_AT,
  OFFSET,
  TOKEN,
  ATTEMPTS
};

static const Oid column_types[] = {
    FS_OID_TEXT, FS_OID_UUID, FS_OID_INT8,        FS_OID_TEXT, FS_OID_UUID, FS_OID_JSONB, FS_OID_UUID,
    FS_OID_UUID, FS_OID_BOOL, FS_OID_TIMESTAMPTZ, FS_OID_INT8, FS_OID_INT8, FS_OID_INT4,
};

/* The columns are named by us, but the schema could be altered under our feet. */
bool fs_check_events(fs_result *result, bool leased) {
  int n = leased ? ATTEMPTS + 1 : OFFSET + 1;
  for (int i = 0; i < n; i++) {
    if (PQftype(result->pg, i) != column_types[i])
      return fs_fail(result, FS_DATABASE, "the events have columns of an unexpected type");
  }
  return true;
}

static size_t column_size(const PGresult *pg, int row, int column) { return (size_t)PQgetlength(pg, row, column); }

/* jsonb comes with a version byte before its text. */
static size_t data_size(const PGresult *pg, int row) {
  size_t size = column_size(pg, row, DATA);
  return size > 0 ? size - 1 : 0;
}

/* The bytes that fs_read_event fills. */
size_t fs_event_size(const PGresult *pg, int row) {
  return sizeof(fs_event) + column_size(pg, row, EVENT) + column_size(pg, row, DECIDER) + data_size(pg, row);
}

static void read_uuid(const PGresult *pg, int row, int column, unsigned char uuid[FS_UUID_BYTES]) {
  if (PQgetisnull(pg, row, column)) {
    memset(uuid, 0, FS_UUID_BYTES);
  } else {
    memcpy(uuid, PQgetvalue(pg, row, column), FS_UUID_BYTES);
  }
}

static int64_t read_int8(const PGresult *pg, int row, int column) {
  return PQgetisnull(pg, row, column) ? 0 : fs_load_int8(PQgetvalue(pg, row, column));
}

int64_t fs_row_offset(const PGresult *pg, int row) { return read_int8(pg, row, OFFSET); }

static void read_text(const PGresult *pg, int row, fs_event *event) {
  event->name_length = column_size(pg, row, EVENT);
  event->decider_length = column_size(pg, row, DECIDER);
  event->data_length = data_size(pg, row);
  memcpy(event->text, PQgetvalue(pg, row, EVENT), event->name_length);
  memcpy(event->text + event->name_length, PQgetvalue(pg, row, DECIDER), event->decider_length);
  memcpy(event->text + event->name_length + event->decider_length, PQgetvalue(pg, row, DATA) + 1, event->data_length);
}

/* Fills fs_event_size bytes; a lease is read when the result has one. */
void fs_read_event(const PGresult *pg, int row, fs_event *event) {
  read_text(pg, row, event);
  read_uuid(pg, row, EVENT_ID, event->event_id);
  read_uuid(pg, row, DECIDER_ID, event->decider_id);
  read_uuid(pg, row, COMMAND_ID, event->command_id);
  read_uuid(pg, row, PREVIOUS_ID, event->previous_id);
  event->has_previous = !PQgetisnull(pg, row, PREVIOUS_ID);
  event->version = read_int8(pg, row, EVENT_VERSION);
  event->final = PQgetvalue(pg, row, FINAL)[0] != 0;
  event->created_at = read_int8(pg, row, CREATED_AT);
  event->offset = fs_row_offset(pg, row);
  event->leased = PQnfields(pg) > TOKEN;
  event->token = event->leased ? read_int8(pg, row, TOKEN) : 0;
  event->attempts = event->leased ? fs_load_int4(PQgetvalue(pg, row, ATTEMPTS)) : 0;
}

typedef struct date {
  int64_t year;
  int month, day;
} date;

/* From days since 2000-03-01, after which a leap day ends a year. */
static date civil_date(int64_t days) {
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t of_era = days - era * 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * of_year + 2) / 153;
  date d = {.year = year + era * 400 + 2000 + (month >= 10), .day = (int)(of_year - (153 * month + 2) / 5 + 1)};
  d.month = (int)(month < 10 ? month + 3 : month - 9);
  return d;
}

/* ISO 8601 in UTC, always with microseconds, so that the texts sort as the times do. */
int fs_format_timestamp(int64_t microseconds, char text[FS_TIMESTAMP_TEXT]) {
  static const int64_t day = 86400 * INT64_C(1000000);
  if (microseconds == INT64_MAX) return snprintf(text, FS_TIMESTAMP_TEXT, "infinity");
  if (microseconds == INT64_MIN) return snprintf(text, FS_TIMESTAMP_TEXT, "-infinity");
  int64_t days = microseconds / day - (microseconds % day < 0);
  int64_t rest = microseconds - days * day;
  date d = civil_date(days - 60);
  int seconds = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
  return snprintf(text, FS_TIMESTAMP_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ", (long long)d.year, d.month, d.day,
                  seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
}
