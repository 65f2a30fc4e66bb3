/*
** number.c: numbers as text without loss, whatever the locale's decimal point is.
*/
#include "fstore.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Significant digits of the longest double, written out exactly, are 767. */
#define MAX_DIGITS 768

/* A decimal number: 0.DIGITS times ten to the exponent, without zeros at either end of the digits. */
typedef struct decimal {
  char digits[MAX_DIGITS + 1];
  size_t n;
  long exponent;
  bool too_long;
} decimal;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void to_point(char *text) {
  char *comma = strstr(text, localeconv()->decimal_point);
  if (comma == NULL) return;
  size_t length = strlen(localeconv()->decimal_point);
  *comma = '.';
  memmove(comma + 1, comma + length, strlen(comma + length) + 1);
}

/* The shortest text that reads back as the same double; a float stays a float: it has a point or an exponent. */
int fs_format_double(double value, char text[FS_NUMBER_TEXT]) {
  if (value == floor(value) && fabs(value) < 1e19) {
    snprintf(text, FS_NUMBER_TEXT, "%.1f", value);
  } else {
    for (int digits = 15; digits <= 17; digits++) {
      snprintf(text, FS_NUMBER_TEXT, "%.*g", digits, value);
      if (strtod(text, NULL) == value) break;
    }
  }
  to_point(text);
  return (int)strlen(text);
}

/* Reads a number that is written with a point; false when it is longer than any double needs. */
bool fs_parse_double(const char *text, size_t length, double *value) {
  char copy[MAX_DIGITS * 2 + 8];
  const char *point = localeconv()->decimal_point;
  size_t point_length = strlen(point), used = 0;
  if (length + point_length >= sizeof copy) return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '.') {
      copy[used++] = text[i];
      continue;
    }
    memcpy(copy + used, point, point_length);
    used += point_length;
  }
  copy[used] = '\0';
  *value = strtod(copy, NULL);
  return true;
}

/* Whether an integer, written out with an optional minus, fits 64 bits. */
bool fs_fits_int64(const char *digits, size_t length) {
  bool negative = length > 0 && digits[0] == '-';
  const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
  if (negative) digits++, length--;
  if (length != strlen(limit)) return length < strlen(limit);
  return memcmp(digits, limit, length) <= 0;
}

static long read_exponent(const char *text, size_t length) {
  bool negative = length > 0 && text[0] == '-';
  long exponent = 0;
  for (size_t i = 0; i < length; i++) {
    if (is_digit(text[i]) && exponent < 100000) exponent = exponent * 10 + (text[i] - '0');
  }
  return negative ? -exponent : exponent;
}

static void add_digit(decimal *d, char digit, size_t *zeros) {
  if (digit == '0') {
    if (d->n > 0) ++*zeros;
    return;
  }
  if (d->n + *zeros >= MAX_DIGITS) {
    d->too_long = true;
    return;
  }
  memset(d->digits + d->n, '0', *zeros);
  d->n += *zeros;
  *zeros = 0;
  d->digits[d->n++] = digit;
}

static void read_decimal(const char *text, size_t length, decimal *d) {
  size_t zeros = 0;
  bool fraction = false;
  d->n = 0, d->exponent = 0, d->too_long = false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '.') fraction = true;
    if (text[i] == 'e' || text[i] == 'E') {
      d->exponent += read_exponent(text + i + 1, length - i - 1);
      break;
    }
    if (!is_digit(text[i])) continue;
    add_digit(d, text[i], &zeros);
    if (!fraction && d->n > 0) d->exponent++;
    if (fraction && d->n == 0) d->exponent--;
  }
}

/* Prints the double with as many digits as the text has: it holds the number when both say the same. */
static bool prints_the_same(double value, const decimal *expected) {
  char text[MAX_DIGITS + 16];
  decimal printed;
  int length = snprintf(text, sizeof text, "%.*e", (int)expected->n - 1, value);
  to_point(text);
  read_decimal(text, (size_t)length, &printed);
  return printed.exponent == expected->exponent && printed.n == expected->n &&
         memcmp(printed.digits, expected->digits, printed.n) == 0;
}

/* Whether a JSON number survives being kept as a double. */
bool fs_double_holds(const char *text, size_t length) {
  decimal d;
  double value;
  read_decimal(text, length, &d);
  if (d.n == 0) return true;
  if (d.too_long) return false;
  if (d.n <= 15 && d.exponent > -290 && d.exponent < 300) return true;
  return fs_parse_double(text, length, &value) && isfinite(value) && prints_the_same(value, &d);
}
