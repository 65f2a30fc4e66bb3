/*
** http.c: POST requests by libcurl, many at a time over kept-alive connections, driven by one waiting call.
**
** Certificates are verified and redirects are not followed: both are libcurl's defaults, and nothing here changes them.
** No text of ours or libcurl's holds a request's path, user, password or headers.
*/
#define _GNU_SOURCE
#include "fstore.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

enum {
  MAX_BODY = 65536,       /* of an answer; the rest is not read, and the connection is closed */
  KEPT_CONNECTIONS = 256, /* that wait for their next request */
  CONNECT_MS = 10000,
};

/* One request, from its start until its answer was taken and looked at. */
typedef struct transfer {
  struct transfer *next;
  int64_t id;
  CURL *easy;
  struct curl_slist *headers;
  size_t received;
  bool is_cut; /* the answer was longer than we read */
  CURLcode code;
  char error[CURL_ERROR_SIZE];
  char excerpt[FS_HTTP_EXCERPT];
} transfer;

struct fs_http {
  CURLM *multi;
  char *ca_file;
  int64_t last_id;
  transfer *running;
  transfer *done;
  transfer *taken; /* its answer is being looked at */
};

static void free_transfer(fs_http *http, transfer *t) {
  if (t == NULL) return;
  if (t->easy != NULL) curl_multi_remove_handle(http->multi, t->easy);
  curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->headers);
  free(t);
}

static void free_list(fs_http *http, transfer *first) {
  while (first != NULL) {
    transfer *next = first->next;
    free_transfer(http, first);
    first = next;
  }
}

/* Breaks off what is running. */
void fs_http_close(fs_http *http) {
  if (http == NULL) return;
  free_list(http, http->running);
  free_list(http, http->done);
  free_transfer(http, http->taken);
  curl_multi_cleanup(http->multi);
  free(http->ca_file);
  free(http);
  curl_global_cleanup();
}

/* The file of authorities to trust, or NULL for the system's. NULL when there is no memory. */
fs_http *fs_http_open(const char *ca_file) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return NULL;
  fs_http *http = calloc(1, sizeof *http);
  if (http == NULL) {
    curl_global_cleanup();
    return NULL;
  }
  http->multi = curl_multi_init();
  http->ca_file = ca_file != NULL ? strdup(ca_file) : NULL;
  if (http->multi == NULL || (ca_file != NULL && http->ca_file == NULL)) {
    fs_http_close(http);
    return NULL;
  }
  curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
  return http;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context) {
  transfer *t = context;
  size_t length = size * n;
  if (t->received < FS_HTTP_EXCERPT) {
    size_t room = FS_HTTP_EXCERPT - t->received;
    memcpy(t->excerpt + t->received, bytes, length < room ? length : room);
  }
  t->received += length;
  t->is_cut = t->received > MAX_BODY;
  return t->is_cut ? 0 : length;
}

/* libcurl says no to the body as the last of its options when it has no memory for the copy. */
static bool set_options(const fs_http *http, transfer *t, const fs_post *post) {
  CURL *easy = t->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, post->milliseconds);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, post->milliseconds < CONNECT_MS ? post->milliseconds : CONNECT_MS);
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else a name server that hangs would hold up all the others */
#endif
  if (http->ca_file != NULL && curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file) != CURLE_OK) return false;
  if (curl_easy_setopt(easy, CURLOPT_URL, post->url) != CURLE_OK) return false;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_length);
  return curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, post->body) == CURLE_OK;
}

static bool add_headers(transfer *t, const char *const *headers) {
  for (; *headers != NULL; headers++) {
    struct curl_slist *longer = curl_slist_append(t->headers, *headers);
    if (longer == NULL) return false;
    t->headers = longer;
  }
  return true;
}

/* Starts a request and returns its number; 0 when there is no memory. Nothing is sent before the next wait. */
int64_t fs_http_post(fs_http *http, const fs_post *post) {
  transfer *t = calloc(1, sizeof *t);
  if (t == NULL) return 0;
  t->easy = curl_easy_init();
  if (t->easy == NULL || !add_headers(t, post->headers) || !set_options(http, t, post) ||
      curl_multi_add_handle(http->multi, t->easy) != CURLM_OK) {
    free_transfer(http, t);
    return 0;
  }
  t->id = ++http->last_id;
  t->next = http->running;
  http->running = t;
  return t->id;
}

static void move_to_done(fs_http *http, transfer *t) {
  transfer **link = &http->running;
  while (*link != t) link = &(*link)->next;
  *link = t->next;
  t->next = http->done;
  http->done = t;
}

/* Takes up what has ended; whether anything waits to be taken. */
static bool collect(fs_http *http) {
  int left;
  for (CURLMsg *message = curl_multi_info_read(http->multi, &left); message != NULL;
       message = curl_multi_info_read(http->multi, &left)) {
    char *context;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
    transfer *t = (transfer *)(void *)context;
    t->code = message->data.result;
    move_to_done(http, t);
  }
  return http->done != NULL;
}

static double now_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool any_ready(const struct curl_waitfd *fds, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    if (fds[i].revents != 0) return true;
  }
  return false;
}

/* Drives the requests until one has ended, one of the sockets (two at most) can be read, or the time is over. */
void fs_http_wait(fs_http *http, const int *sockets, unsigned n, double milliseconds) {
  struct curl_waitfd fds[FS_HTTP_SOCKETS] = {0};
  double deadline = now_milliseconds() + milliseconds, left;
  int running;
  for (unsigned i = 0; i < n; i++) fds[i] = (struct curl_waitfd){.fd = sockets[i], .events = CURL_WAIT_POLLIN};
  for (;;) {
    curl_multi_perform(http->multi, &running);
    left = ceil(deadline - now_milliseconds());
    if (collect(http) || any_ready(fds, n) || left <= 0) return;
    curl_multi_poll(http->multi, fds, n, left < INT_MAX ? (int)left : INT_MAX, NULL);
  }
}

static void read_answer(const transfer *t, fs_answer *answer) {
  curl_off_t retry_after = 0;
  *answer = (fs_answer){.id = t->id, .body = t->excerpt};
  if (t->code != CURLE_OK && !t->is_cut) {
    answer->error = t->error[0] != '\0' ? t->error : curl_easy_strerror(t->code);
    return;
  }
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &answer->status);
  curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
  answer->retry_after_s = retry_after > 0 ? retry_after : 0;
  answer->body_length = t->received < FS_HTTP_EXCERPT ? t->received : FS_HTTP_EXCERPT;
}

/* The next answer, whose texts live until the next call; false when there is none yet. */
bool fs_http_take(fs_http *http, fs_answer *answer) {
  free_transfer(http, http->taken);
  http->taken = http->done;
  if (http->taken == NULL) return false;
  http->done = http->taken->next;
  http->taken->next = NULL;
  read_answer(http->taken, answer);
  return true;
}

static char *join_origin(const char *scheme, const char *host, const char *port) {
  size_t size = strlen(scheme) + strlen(host) + strlen(port) + 5;
  char *origin = malloc(size);
  if (origin == NULL) return NULL;
  strcpy(origin, scheme);
  strcat(strcat(origin, "://"), host);
  if (port[0] != '\0') strcat(strcat(origin, ":"), port);
  return origin;
}

static bool has_part(CURLU *url, CURLUPart part) {
  char *text = NULL;
  bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
  curl_free(text);
  return is_there;
}

static const char *read_origin(CURLU *url, char **origin) {
  char *scheme = NULL, *host = NULL, *port = NULL;
  const char *problem = "not a URL with a host";
  if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
      curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
    bool is_http = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_url_get(url, CURLUPART_PORT, &port, 0);
    if (is_http) *origin = join_origin(scheme, host, port != NULL ? port : "");
    problem = !is_http ? "neither http nor https" : *origin == NULL ? "out of memory" : NULL;
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  return problem;
}

/*
** What of a URL may be shown, scheme, host and port, to be freed by the caller; and whether the URL holds a user, a
** password or a query, one of which may be a secret. Returns what is wrong with it, in words without any part of it.
*/
const char *fs_url_origin(const char *text, char **origin, bool *has_secrets) {
  *origin = NULL;
  CURLU *url = curl_url();
  const char *problem = "not a URL";
  if (url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
    *has_secrets = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) || has_part(url, CURLUPART_QUERY);
    problem = read_origin(url, origin);
  }
  curl_url_cleanup(url);
  return problem;
}
