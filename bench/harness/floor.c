/*
 * The floor of the macro benchmark: a proxy that makes the system calls of a keep-alive HTTP/1.1 proxy and
 * next to nothing else. It finds the end of a head and a content-length, chooses an upstream in turn, and
 * copies bytes. It routes nothing, rewrites nothing, counts nothing, checks nothing: no real proxy can cost
 * less on this kernel with this shape (epoll, recv, send), and it is of no other use.
 *
 *   floor PORT UPSTREAM_PORT UPSTREAM_PORT
 *
 * It relies on what the benchmark guarantees: a request head arrives in one piece, requests are not
 * pipelined, every response has "Content-Length: " and "Connection: keep-alive" spelled so, and both come
 * in its first piece. Upstream connections are kept, the last used first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

enum { MAX_FDS = 70000, PIECE = 64 * 1024, EVENTS = 256, DOWNSTREAM = 1, UPSTREAM = 2 };

struct connection {
  int kind;
  int peer;        /* the other side of the running exchange, -1 when there is none */
  int host;        /* upstream: which of the two */
  int close_after; /* downstream: it asked for Connection: close */
  int held;        /* input not read because the other side is full */
  long left;       /* bytes of this side's message still to come; upstream -1: the head is still to come */
  char *unsent;    /* output that did not fit */
  size_t unsent_at, unsent_size;
};

static struct connection connections[MAX_FDS];
static int idle[2][MAX_FDS], idle_count[2], upstream_port[2], next_host, ep, listener;
static char piece[PIECE];

static void on_readable(int fd);

static void watch(int fd, int kind) {
  struct connection *c = &connections[fd];
  memset(c, 0, sizeof *c);
  c->kind = kind;
  c->peer = -1;
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void drop(int fd) {
  struct connection *c = &connections[fd];
  if (!c->kind) return;
  int peer = c->peer;
  if (c->kind == UPSTREAM && peer < 0) {
    int *list = idle[c->host];
    for (int i = 0; i < idle_count[c->host]; i++)
      if (list[i] == fd) list[i] = list[--idle_count[c->host]];
  }
  free(c->unsent);
  memset(c, 0, sizeof *c);
  close(fd);
  if (peer >= 0) {
    connections[peer].peer = -1;
    /* Not idle and no longer of use: the exchange was cut in the middle. */
    struct connection *other = &connections[peer];
    int kind = other->kind;
    if (kind) {
      free(other->unsent);
      memset(other, 0, sizeof *other);
      close(peer);
    }
  }
}

/* Sends or keeps the rest; false when the connection is gone. */
static int forward(int to, const char *bytes, size_t size) {
  ssize_t n = send(to, bytes, size, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno != EAGAIN) {
      drop(to);
      return 0;
    }
    n = 0;
  }
  if ((size_t)n == size) return 1;
  struct connection *c = &connections[to];
  c->unsent_size = size - n;
  c->unsent_at = 0;
  c->unsent = malloc(c->unsent_size);
  if (!c->unsent) exit(1);
  memcpy(c->unsent, bytes + n, c->unsent_size);
  return 1;
}

static int take_upstream(void) {
  int host = next_host;
  next_host ^= 1;
  if (idle_count[host]) return idle[host][--idle_count[host]];
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(upstream_port[host]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || fd >= MAX_FDS || connect(fd, (void *)&a, sizeof a)) {
    if (fd >= 0) close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  watch(fd, UPSTREAM);
  connections[fd].host = host;
  return fd;
}

/* The first piece of a request: finds its length and an upstream. */
static int begin(int fd, char *head, size_t size) {
  struct connection *c = &connections[fd];
  char *end = memmem(head, size, "\r\n\r\n", 4);
  int upstream = end ? take_upstream() : -1;
  if (upstream < 0) {
    drop(fd);
    return 0;
  }
  long body = 0;
  *end = 0;
  if (head[0] == 'P') {
    char *length = strcasestr(head, "\ncontent-length:");
    if (length) body = atol(length + 16);
  }
  /* The upstream connection is kept, so it must not see the wish to close: same length, unknown token. */
  char *close_wish = strstr(head, "\nConnection: close");
  if (close_wish) {
    c->close_after = 1;
    memcpy(close_wish + 13, "ignor", 5);
  }
  *end = '\r';
  c->left = (end + 4 - head) + body;
  c->peer = upstream;
  connections[upstream].peer = fd;
  connections[upstream].left = -1;
  return 1;
}

/* The first piece of a response: finds its length. */
static int begin_response(int fd, char *head, size_t size) {
  char *end = memmem(head, size, "\r\n\r\n", 4);
  char *length = end ? memmem(head, end - head, "Content-Length: ", 16) : NULL;
  if (!length) {
    drop(fd);
    return 0;
  }
  if (connections[connections[fd].peer].close_after) {
    char *alive = memmem(head, end + 2 - head, "Connection: keep-alive", 22);
    if (alive) memcpy(alive, "Connection: close     ", 22);
  }
  connections[fd].left = (end + 4 - head) + atol(length + 16);
  return 1;
}

static void end_exchange(int upstream) {
  struct connection *u = &connections[upstream];
  int downstream = u->peer;
  struct connection *d = &connections[downstream];
  u->peer = -1;
  d->peer = -1;
  idle[u->host][idle_count[u->host]++] = upstream;
  /* With unsent bytes the close waits for them. */
  if (d->close_after && !d->unsent) drop(downstream);
}

static void on_readable(int fd) {
  struct connection *c = &connections[fd];
  for (;;) {
    if (c->peer >= 0 && connections[c->peer].unsent) {
      c->held = 1;
      return;
    }
    ssize_t n = recv(fd, piece, PIECE, 0);
    if (n <= 0) {
      if (n < 0 && errno == EAGAIN) return;
      drop(fd);
      return;
    }
    if (c->kind == DOWNSTREAM) {
      if (c->peer < 0 && !begin(fd, piece, n)) return;
    } else {
      if (c->peer < 0) {
        drop(fd);
        return;
      }
      if (c->left < 0 && !begin_response(fd, piece, n)) return;
    }
    c->left -= n;
    if (!forward(c->peer, piece, n)) return;
    if (c->kind == UPSTREAM && c->left <= 0) {
      end_exchange(fd);
      return;
    }
    if (n < PIECE) return; /* a short read: drained, the next edge will tell */
  }
}

static void on_writable(int fd) {
  struct connection *c = &connections[fd];
  if (!c->unsent) return;
  ssize_t n = send(fd, c->unsent + c->unsent_at, c->unsent_size - c->unsent_at, MSG_NOSIGNAL);
  if (n < 0) {
    if (errno != EAGAIN) drop(fd);
    return;
  }
  c->unsent_at += n;
  if (c->unsent_at < c->unsent_size) return;
  free(c->unsent);
  c->unsent = NULL;
  int peer = c->peer;
  if (peer < 0) {
    if (c->close_after) drop(fd);
    return;
  }
  if (connections[peer].held) {
    connections[peer].held = 0;
    on_readable(peer);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  upstream_port[0] = atoi(argv[2]);
  upstream_port[1] = atoi(argv[3]);
  ep = epoll_create1(0);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&a, sizeof a) || listen(listener, 4096)) {
    perror("floor: listen");
    return 1;
  }
  struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(ep, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int c;
        while ((c = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          if (c < MAX_FDS) watch(c, DOWNSTREAM);
          else close(c);
        }
        continue;
      }
      if (!connections[fd].kind) continue; /* closed earlier in this batch */
      if (events[i].events & EPOLLOUT) on_writable(fd);
      if (connections[fd].kind && events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) on_readable(fd);
    }
  }
}
