#include "socket_options.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "errors.h"

namespace envoyts {

namespace {

int parseUnix(const char* text, size_t length, SocketAddress* out, socklen_t* outLength) {
  // sun_path of an abstract name starts with NUL and is not terminated; that of a path is.
  const bool isAbstract = text[0] == '@';
  if (length + (isAbstract ? 0 : 1) > sizeof(out->local.sun_path)) return ENAMETOOLONG;
  out->local.sun_family = AF_UNIX;
  memcpy(out->local.sun_path, text, length);
  if (isAbstract) out->local.sun_path[0] = '\0';
  *outLength = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (isAbstract ? 0 : 1));
  return 0;
}

size_t formatUnix(const SocketAddress& address, socklen_t length, char* text) {
  const size_t header = offsetof(sockaddr_un, sun_path);
  if (length <= header) return 0;  // unnamed: the far end of an accepted Unix connection
  size_t n = length - header;
  if (n > sizeof(address.local.sun_path)) n = sizeof(address.local.sun_path);
  if (address.local.sun_path[0] == '\0') {
    memcpy(text, address.local.sun_path, n);
    text[0] = '@';
  } else {
    n = strnlen(address.local.sun_path, n);
    memcpy(text, address.local.sun_path, n);
  }
  text[n] = '\0';
  return n;
}

}  // namespace

int parseAddress(const char* text, size_t length, uint16_t port, SocketAddress* out, socklen_t* outLength) {
  memset(out, 0, sizeof(*out));
  if (length == 0) return EINVAL;
  if (text[0] == '/' || text[0] == '@') return parseUnix(text, length, out, outLength);
  char buffer[INET6_ADDRSTRLEN + IF_NAMESIZE + 2];
  if (length >= sizeof(buffer)) return EINVAL;
  memcpy(buffer, text, length);
  buffer[length] = '\0';
  if (inet_pton(AF_INET, buffer, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    *outLength = sizeof(out->v4);
    return 0;
  }
  char* scope = strchr(buffer, '%');
  if (scope != nullptr) *scope++ = '\0';
  if (inet_pton(AF_INET6, buffer, &out->v6.sin6_addr) != 1) return EINVAL;
  out->v6.sin6_family = AF_INET6;
  out->v6.sin6_port = htons(port);
  if (scope != nullptr) {
    unsigned index = if_nametoindex(scope);
    if (index == 0) index = static_cast<unsigned>(strtoul(scope, nullptr, 10));
    if (index == 0) return EINVAL;
    out->v6.sin6_scope_id = index;
  }
  *outLength = sizeof(out->v6);
  return 0;
}

size_t formatHost(const SocketAddress& address, socklen_t length, char* text, uint16_t* port) {
  *port = 0;
  text[0] = '\0';
  if (length < sizeof(sa_family_t)) return 0;
  switch (address.any.sa_family) {
    case AF_INET:
      *port = ntohs(address.v4.sin_port);
      return inet_ntop(AF_INET, &address.v4.sin_addr, text, kAddressTextSize) == nullptr ? 0 : strlen(text);
    case AF_INET6:
      *port = ntohs(address.v6.sin6_port);
      return inet_ntop(AF_INET6, &address.v6.sin6_addr, text, kAddressTextSize) == nullptr ? 0 : strlen(text);
    case AF_UNIX:
      return formatUnix(address, length, text);
    default:
      return 0;
  }
}

size_t formatAddress(const SocketAddress& address, socklen_t length, char* text) {
  char host[kAddressTextSize];
  uint16_t port = 0;
  const size_t n = formatHost(address, length, host, &port);
  if (n == 0 || address.any.sa_family == AF_UNIX) {
    memcpy(text, host, n + 1);
    return n;
  }
  const char* format = address.any.sa_family == AF_INET6 ? "[%.64s]:%u" : "%.64s:%u";
  const int written = snprintf(text, kAddressTextSize, format, host, static_cast<unsigned>(port));
  return written < 0 ? 0 : static_cast<size_t>(written);
}

namespace {

int setInt(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : errno;
}

}  // namespace

int setFlag(int fd, int level, int option, bool on) { return setInt(fd, level, option, on ? 1 : 0); }

int setNoDelay(int fd) { return setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

int setKeepAlive(int fd, const KeepAlive& keepAlive) {
  if (!keepAlive.on) return 0;
  int error = setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (error == 0 && keepAlive.idleSec > 0) error = setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepAlive.idleSec);
  if (error == 0 && keepAlive.intervalSec > 0) error = setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepAlive.intervalSec);
  if (error == 0 && keepAlive.probes > 0) error = setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, keepAlive.probes);
  return error;
}

int setOptions(int fd, const SocketOptions& options, int32_t stage) {
  constexpr size_t kHeadWords = 4;
  for (size_t at = 0; at < options.count;) {
    if (options.count - at < kHeadWords) return EINVAL;
    const int32_t* head = options.words + at;
    const int32_t bytes = head[3];
    const size_t left = options.count - at - kHeadWords;
    if (bytes < 0 || (static_cast<size_t>(bytes) + 3) / 4 > left) return EINVAL;
    if (head[0] == stage && setsockopt(fd, head[1], head[2], head + kHeadWords, static_cast<socklen_t>(bytes)) != 0) return errno;
    at += kHeadWords + (static_cast<size_t>(bytes) + 3) / 4;
  }
  return 0;
}

int setResetOnClose(int fd) {
  const struct linger value = {1, 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof(value)) == 0 ? 0 : errno;
}

const char* errnoName(int error) {
  switch (error) {
#define ENVOYTS_CASE(name) \
  case name:               \
    return #name
    ENVOYTS_CASE(EACCES);
    ENVOYTS_CASE(EADDRINUSE);
    ENVOYTS_CASE(EADDRNOTAVAIL);
    ENVOYTS_CASE(EAFNOSUPPORT);
    ENVOYTS_CASE(EAGAIN);
    ENVOYTS_CASE(EBADF);
    ENVOYTS_CASE(EINVAL);
    ENVOYTS_CASE(EISDIR);
    ENVOYTS_CASE(ELOOP);
    ENVOYTS_CASE(EMFILE);
    ENVOYTS_CASE(ENAMETOOLONG);
    ENVOYTS_CASE(ENFILE);
    ENVOYTS_CASE(ENOBUFS);
    ENVOYTS_CASE(ENODEV);
    ENVOYTS_CASE(ENOENT);
    ENVOYTS_CASE(ENOMEM);
    ENVOYTS_CASE(ENOPROTOOPT);
    ENVOYTS_CASE(ENOTDIR);
    ENVOYTS_CASE(ENOTSOCK);
    ENVOYTS_CASE(EOPNOTSUPP);
    ENVOYTS_CASE(EPERM);
    ENVOYTS_CASE(EROFS);
#undef ENVOYTS_CASE
    default:
      return "UNKNOWN";
  }
}

void throwErrno(napi_env env, const char* syscall, int error) {
  char text[192];
  snprintf(text, sizeof(text), "%s: %s", syscall, strerror(error));
  napi_value code, message, object, number, call;
  if (napi_create_string_utf8(env, errnoName(error), NAPI_AUTO_LENGTH, &code) != napi_ok) return;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return;
  if (napi_create_error(env, code, message, &object) != napi_ok) return;
  if (napi_create_int32(env, -error, &number) == napi_ok) napi_set_named_property(env, object, "errno", number);
  if (napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &call) == napi_ok) {
    napi_set_named_property(env, object, "syscall", call);
  }
  napi_throw(env, object);
}

}  // namespace envoyts
