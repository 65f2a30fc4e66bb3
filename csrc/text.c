/*
** text.c: what PostgreSQL takes as text: UTF-8 without NUL.
*/
#include "fstore.h"

/* The length of the character at the start of text, 0 when it is not UTF-8 (RFC 3629). */
size_t fs_utf8_length(const char *bytes, size_t length) {
  const unsigned char *text = (const unsigned char *)bytes;
  unsigned char lead = text[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length < n) return 0;
  unsigned char low = 0x80, high = 0xBF; /* of the second byte: no overlong forms, no surrogates, nothing past 10FFFF */
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (text[1] < low || text[1] > high) return 0;
  for (size_t i = 2; i < n; i++) {
    if ((text[i] & 0xC0) != 0x80) return 0;
  }
  return n;
}

/* Where the first byte stands that PostgreSQL would refuse in a text: no UTF-8, or NUL. Else FS_TEXT_FINE. */
size_t fs_text_fault(const char *text, size_t length) {
  for (size_t i = 0; i < length;) {
    size_t n = text[i] == '\0' ? 0 : fs_utf8_length(text + i, length - i);
    if (n == 0) return i;
    i += n;
  }
  return FS_TEXT_FINE;
}
