/*
 * The origin behind every proxy of the macro benchmark: one epoll loop, keep-alive, as few cycles per
 * response as possible, because it shares its core with the load generator.
 *
 *   origin PORT [PORT...]      port 0 lets the kernel choose
 *
 * It prints "ready PORT PORT..." once it listens. The last segment of the path chooses the answer:
 *   1k, 64k, 1m   200 with a body of that size
 *   post          200 with 64 bytes, after the request body has been read (content-length or chunked)
 *   echo          200 whose body is the request head as it arrived, so that the harness can see what a
 *                 proxy really sent
 *   anything else 404
 * A connection is closed only by the other side. Request heads and chunked bodies must fit in 256 KiB.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FDS = 70000, IN_SIZE = 256 * 1024, EVENTS = 512 };

struct response {
  const char *name;
  size_t body_size;
  char *bytes;
  size_t size;
};

struct connection {
  const char *out;         /* the unsent rest of a static response */
  size_t out_left;
  char *saved;             /* input that could not be handled yet */
  size_t saved_size;
  long body_left;          /* request body still to come; -1: chunked, until the last chunk */
  struct response *answer; /* what to send when the body has been read */
};

static struct response responses[] = {
    {"1k", 1024, NULL, 0}, {"64k", 65536, NULL, 0}, {"1m", 1048576, NULL, 0}, {"post", 64, NULL, 0}};
static struct response missing = {"404", 0, NULL, 0};
static struct response echo = {"echo", 0, NULL, 0};
static struct connection connections[MAX_FDS];
static char is_listener[MAX_FDS];
static char in[IN_SIZE + 1];
static int ep;

static void build(struct response *r, const char *status) {
  r->bytes = malloc(r->body_size + 1024);
  if (!r->bytes) exit(1);
  int head = sprintf(r->bytes,
                     "HTTP/1.1 %s\r\nServer: origin/1.0\r\nDate: Fri, 20 Nov 2026 15:00:00 GMT\r\n"
                     "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
                     "Cache-Control: no-cache, private\r\nETag: \"abcdef0123456789\"\r\n"
                     "X-Backend: o1\r\nConnection: keep-alive\r\n\r\n",
                     status, r->body_size);
  for (size_t i = 0; i < r->body_size; i++) r->bytes[head + i] = 'a' + i % 26;
  r->size = head + r->body_size;
}

static void drop(int fd) {
  struct connection *c = &connections[fd];
  free(c->saved);
  memset(c, 0, sizeof *c);
  close(fd);
}

/* Sends what is pending; false when the connection is gone. */
static int flush(int fd) {
  struct connection *c = &connections[fd];
  while (c->out_left) {
    ssize_t n = send(fd, c->out, c->out_left, MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) return 1;
      drop(fd);
      return 0;
    }
    c->out += n;
    c->out_left -= n;
  }
  return 1;
}

static int send_echo(int fd, const char *head, size_t size) {
  static char text[IN_SIZE + 512];
  int n = sprintf(text, "HTTP/1.1 200 OK\r\nServer: origin/1.0\r\nContent-Type: text/plain\r\n"
                        "Content-Length: %zu\r\nConnection: keep-alive\r\n\r\n", size);
  memcpy(text + n, head, size);
  /* A request head is far below a fresh socket's send buffer: no partial send to remember. */
  if (send(fd, text, n + size, MSG_NOSIGNAL) < 0) {
    drop(fd);
    return 0;
  }
  return 1;
}

static struct response *choose(const char *head, const char *line_end) {
  const char *path = memchr(head, ' ', line_end - head);
  if (!path) return &missing;
  const char *end = memchr(path + 1, ' ', line_end - path - 1);
  if (!end) return &missing;
  const char *name = end;
  while (name[-1] != '/' && name > path + 1) name--;
  size_t size = end - name;
  if (size == 4 && !memcmp(name, "echo", 4)) return &echo;
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
    if (strlen(responses[i].name) == size && !memcmp(responses[i].name, name, size)) return &responses[i];
  return &missing;
}

/* Handles input[0..size): returns how much of it is done with, or -1 when the connection is gone. */
static long handle(int fd, char *input, size_t size) {
  struct connection *c = &connections[fd];
  size_t at = 0;
  while (at < size && !c->out_left) {
    char *start = input + at;
    size_t have = size - at;
    if (c->body_left > 0) {
      size_t take = have < (size_t)c->body_left ? have : (size_t)c->body_left;
      c->body_left -= take;
      at += take;
      if (c->body_left) return at;
    } else if (c->body_left < 0) {
      char *last = have >= 5 && !memcmp(start, "0\r\n\r\n", 5) ? start : memmem(start, have, "\r\n0\r\n\r\n", 7);
      if (!last) return at;
      at += (last - start) + (last == start && *start == '0' ? 5 : 7);
      c->body_left = 0;
    } else {
      char *end = memmem(start, have, "\r\n\r\n", 4);
      if (!end) return at;
      size_t head = end + 4 - start;
      at += head;
      c->answer = choose(start, memchr(start, '\r', head));
      if (c->answer == &echo) {
        if (!send_echo(fd, start, head)) return -1;
        continue;
      }
      if (start[0] != 'G') {
        char kept = *end;
        *end = 0;
        char *length = strcasestr(start, "\ncontent-length:");
        if (length) c->body_left = atol(length + 16);
        else if (strcasestr(start, "\ntransfer-encoding:")) c->body_left = -1;
        *end = kept;
        if (c->body_left) continue;
      }
    }
    c->out = c->answer->bytes;
    c->out_left = c->answer->size;
    if (!flush(fd)) return -1;
  }
  return at;
}

static void on_readable(int fd) {
  struct connection *c = &connections[fd];
  for (;;) {
    size_t kept = c->saved_size;
    if (kept) memcpy(in, c->saved, kept);
    ssize_t n = recv(fd, in + kept, IN_SIZE - kept, 0);
    if (n <= 0) {
      if (n < 0 && errno == EAGAIN) return;
      drop(fd);
      return;
    }
    size_t size = kept + n;
    long done = handle(fd, in, size);
    if (done < 0) return;
    free(c->saved);
    c->saved = NULL;
    c->saved_size = size - done;
    if (c->saved_size) {
      c->saved = malloc(c->saved_size);
      if (!c->saved || c->saved_size == IN_SIZE) {
        drop(fd);
        return;
      }
      memcpy(c->saved, in + done, c->saved_size);
    }
    if (kept + n < IN_SIZE) return; /* a short read: drained, the next edge will tell */
  }
}

static void on_writable(int fd) {
  struct connection *c = &connections[fd];
  if (!c->out_left || !flush(fd) || c->out_left || !c->saved_size) return;
  /* Requests that arrived behind a response that would not fit. */
  size_t size = c->saved_size;
  memcpy(in, c->saved, size);
  long done = handle(fd, in, size);
  if (done <= 0) return;
  memmove(c->saved, c->saved + done, size - done);
  c->saved_size = size - done;
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  if (bind(fd, (void *)&a, sizeof a) || listen(fd, 4096) || getsockname(fd, (void *)&a, &size)) {
    perror("origin: listen");
    exit(1);
  }
  is_listener[fd] = 1;
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
  return ntohs(a.sin_port);
}

static void accept_all(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  ep = epoll_create1(0);
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) build(&responses[i], "200 OK");
  build(&missing, "404 Not Found");
  printf("ready");
  for (int i = 1; i < argc; i++) printf(" %d", listen_on(atoi(argv[i])));
  printf("\n");
  fflush(stdout);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(ep, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (is_listener[fd]) {
        accept_all(fd);
        continue;
      }
      if (events[i].events & EPOLLOUT) on_writable(fd);
      if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) on_readable(fd);
    }
  }
}
