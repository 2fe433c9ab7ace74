#include "listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ring.h"

namespace envoyts {

namespace {

constexpr uint32_t kAcceptsPerTurn = 64;
// A listener that ran out of descriptors or numbers is tried again after this time: its backlog keeps the clients.
constexpr double kRestMs = 100;

int bindPath(int fd, const SocketAddress& address, socklen_t length, int mode) {
  const char* path = address.local.sun_path;
  struct stat info;
  // A socket that an earlier process left behind; anything else is not ours to remove.
  if (path[0] != '\0' && lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path);
  if (bind(fd, &address.any, length) != 0) return errno;
  if (path[0] != '\0' && mode >= 0 && chmod(path, static_cast<mode_t>(mode)) != 0) return errno;
  return 0;
}

int setInternetOptions(int fd, int family, const ListenOptions& options) {
  const bool isV6 = family == AF_INET6;
  int error = setFlag(fd, SOL_SOCKET, SO_REUSEADDR, true);
  if (error == 0 && options.reusePort) error = setFlag(fd, SOL_SOCKET, SO_REUSEPORT, true);
  if (error == 0 && isV6) error = setFlag(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only);
  if (error == 0 && options.transparent) {
    error = isV6 ? setFlag(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, true) : setFlag(fd, IPPROTO_IP, IP_TRANSPARENT, true);
  }
  if (error == 0 && options.freebind) {
    error = isV6 ? setFlag(fd, IPPROTO_IPV6, IPV6_FREEBIND, true) : setFlag(fd, IPPROTO_IP, IP_FREEBIND, true);
  }
  if (error == 0 && options.tcpFastOpen > 0 &&
      setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &options.tcpFastOpen, sizeof(options.tcpFastOpen)) != 0) {
    error = errno;
  }
  return error;
}

// Errors of accept4 that concern the connection that was about to be accepted, not the listener (accept(2)).
bool isConnectionError(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

int createListenSocket(const SocketAddress& address, socklen_t length, const ListenOptions& options, const char** failedCall) {
  const int family = address.any.sa_family;
  *failedCall = "socket";
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int error;
  if (family == AF_UNIX) {
    *failedCall = "bind";
    error = bindPath(fd, address, length, options.unixMode);
  } else {
    *failedCall = "setsockopt";
    error = setInternetOptions(fd, family, options);
    if (error == 0) {
      *failedCall = "bind";
      if (bind(fd, &address.any, length) != 0) error = errno;
    }
  }
  if (error == 0) {
    *failedCall = "listen";
    if (listen(fd, options.backlog) != 0) error = errno;
  }
  if (error == 0) return fd;
  ::close(fd);
  return -error;
}

int32_t Ring::adoptListener(int fd) {
  int isListening = 0;
  socklen_t length = sizeof(isListening);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) != 0) return -errno;
  if (isListening == 0) return -EINVAL;
  int family = 0;
  length = sizeof(family);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return -errno;
  // Accepted sockets inherit it: no system call per connection.
  if (family != AF_UNIX) setNoDelay(fd);
  const int32_t id = allocateNumber(fd, kListener | (family == AF_UNIX ? kUnix : 0u));
  if (id < 0) return -EMFILE;
  const int error = watch(id, EPOLLIN);
  if (error != 0) {
    destroy(id);
    return -error;
  }
  return id;
}

int Ring::releaseListener(int32_t id) {
  if (!isNumber(id) || (connections_[id].flags & (kUsed | kListener)) != (kUsed | kListener)) return EINVAL;
  if ((connections_[id].flags & kResting) == 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, connections_[id].fd, nullptr);
  destroy(id);
  return 0;
}

// Level-triggered, so that what is left is reported again. The budget follows the rate: as long as one connection comes
// per turn, no accept4 is wasted on finding the backlog empty.
void Ring::acceptSome(int32_t listener) {
  const uint32_t budget = connections_[listener].acceptBudget;
  uint32_t accepted = 0;
  for (; accepted < budget; ++accepted) {
    if (!hasRoom(0)) return;
    if (freeNumbers_.empty() && freshNumbers_ >= sizes_.maxConnections) return rest(listener);
    SocketAddress peer;
    socklen_t length = sizeof(peer);
    const int fd = accept4(connections_[listener].fd, &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        connections_[listener].acceptBudget = accepted > 0 ? accepted : 1;
        return;
      }
      if (isConnectionError(errno)) continue;
      return rest(listener);  // EMFILE, ENFILE, ENOBUFS, ENOMEM; or a listen socket that was shut down
    }
    const bool isUnix = (connections_[listener].flags & kUnix) != 0;
    const int32_t id = allocateNumber(fd, isUnix ? kUnix : 0u);
    Connection& connection = connections_[id];
    if (!isUnix && length <= sizeof(connection.peer)) {
      connection.peerLength = length;
      memcpy(&connection.peer, &peer, length);
    }
    if (watchConnection(id) != 0) {
      destroy(id);
      return rest(listener);
    }
    count(kCounterAccepts);
    push(id, kEventAccept, listener, 0);
  }
  if (budget < kAcceptsPerTurn) connections_[listener].acceptBudget = budget * 2;
}

void Ring::rest(int32_t listener) {
  count(kCounterAcceptStalls);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, connections_[listener].fd, nullptr);
  connections_[listener].flags |= kResting;
  restUntilMs_ = clock_[kClockMonotonicMs] + kRestMs;
  resting_.push_back(listener);
}

void Ring::wakeRested() {
  for (const int32_t listener : resting_) {
    Connection& connection = connections_[listener];
    if ((connection.flags & kResting) == 0) continue;  // released meanwhile
    connection.flags &= ~kResting;
    watch(listener, EPOLLIN);
  }
  resting_.clear();
}

int bindBeforeConnect(int fd, const SocketAddress& address, socklen_t length) {
  // With port 0 the port is chosen at connect, when the whole 4-tuple is known: far more ports to choose from.
  setFlag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, true);
  return bind(fd, &address.any, length) == 0 ? 0 : errno;
}

}  // namespace envoyts
