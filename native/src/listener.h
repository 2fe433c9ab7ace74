// Listen sockets: made on the main thread, adopted by rings.
#pragma once

#include "socket_options.h"

namespace envoyts {

struct ListenOptions {
  int backlog = 1024;
  bool reusePort = false;
  bool ipv6Only = false;    // IPv6 addresses only; default: also IPv4-mapped
  bool transparent = false;
  bool freebind = false;
  int tcpFastOpen = 0;      // queue length; 0 = off
  int unixMode = -1;        // permission bits of a Unix path; -1 = by umask
};

// Returns a listening, non-blocking descriptor, or -errno; *failedCall names the call that failed.
int createListenSocket(const SocketAddress& address, socklen_t length, const ListenOptions& options, const char** failedCall);

// Binds an outgoing socket. 0 or errno.
int bindBeforeConnect(int fd, const SocketAddress& address, socklen_t length);

}  // namespace envoyts
