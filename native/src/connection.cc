// One connection: reading into the arena, sending from the slab, the queue of what the kernel did not take, closing.
#include "connection.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "listener.h"
#include "ring.h"
#include "tls.h"

namespace envoyts {

namespace {

constexpr uint32_t kWatchedEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
// Event records that servicing one connection may need: connect, drain, data, eof, error.
constexpr uint32_t kEventsPerService = 8;
constexpr size_t kVectorSize = 64;
constexpr int kDiscardRounds = 64;

int takeSocketError(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

bool isTransient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

// -- numbers ------------------------------------------------------------------------------------------------------------

int32_t Ring::allocateNumber(int fd, uint32_t flags) {
  int32_t id;
  if (!freeNumbers_.empty()) {
    id = freeNumbers_.back();
    freeNumbers_.pop_back();
  } else if (freshNumbers_ < sizes_.maxConnections) {
    id = static_cast<int32_t>(freshNumbers_++);
  } else {
    return -1;
  }
  Connection& connection = connections_[id];
  const uint32_t generation = connection.generation + 1;
  memset(&connection, 0, sizeof(connection));
  connection.generation = generation;
  connection.servicedTurn = turn_ - 1;
  connection.fd = fd;
  connection.flags = kUsed | flags;
  connection.acceptBudget = 1;
  queued_[id] = 0;
  bytesRead_[id] = 0;
  bytesWritten_[id] = 0;
  return id;
}

// Frees everything of a number; it can be given out again after this turn. An adopted listener stays open.
void Ring::destroy(int32_t id) {
  Connection& connection = connections_[id];
  if ((connection.flags & kListener) == 0) {
    ::close(connection.fd);
    count(kCounterCloses);
  }
  free(connection.held);
  connection.held = nullptr;
  connection.heldLength = 0;
  dropQueue(id);
  if (connection.tls != nullptr) endTls(id);
  connection.flags = 0;
  connection.fd = -1;
  freeAfterTurn_.push_back(id);
}

// Edge-triggered and registered once: no further epoll_ctl in a connection's life. 0 or errno.
int Ring::watch(int32_t id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(connections_[id].generation) << 32 | static_cast<uint32_t>(id);
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[id].fd, &event) == 0 ? 0 : errno;
}

int Ring::watchConnection(int32_t id) { return watch(id, kWatchedEvents); }

bool Ring::hasRoom(size_t bytes) const {
  return eventCount_ + kEventsPerService <= kEventCapacity && arenaUsed_ + bytes <= sizes_.arenaSize;
}

// -- connecting ---------------------------------------------------------------------------------------------------------

int32_t Ring::connect(const SocketAddress& address, socklen_t length, const SocketAddress* bindTo, socklen_t bindLength,
                      bool noDelay, const KeepAlive& keepAlive, const SocketOptions& options, const TlsOptions& tls) {
  const int family = address.any.sa_family;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int32_t id = allocateNumber(fd, kConnecting | (family == AF_UNIX ? kUnix : 0u));
  if (id < 0) {
    ::close(fd);
    return -EMFILE;
  }
  count(kCounterConnects);
  Connection& connection = connections_[id];
  int error = tls.context >= 0 ? prepareTls(id, tls) : 0;
  if (error == 0 && family != AF_UNIX) {
    connection.peerLength = length;
    memcpy(&connection.peer, &address, length);
    if (noDelay) error = setNoDelay(fd);
    if (error == 0) error = setKeepAlive(fd, keepAlive);
  }
  if (error == 0) {
    error = setOptions(fd, options, 0);
    if (error != 0) error |= kOptionFailed;
  }
  if (error == 0 && family != AF_UNIX && bindTo != nullptr) {
    error = bindBeforeConnect(fd, *bindTo, bindLength);
    if (error != 0) error |= kBindFailed;
  }
  if (error == 0) {
    error = setOptions(fd, options, 1);
    if (error != 0) error |= kOptionFailed;
  }
  if (error == 0 && ::connect(fd, &address.any, length) != 0 && errno != EINPROGRESS) error = errno;
  if (error == 0) error = watchConnection(id);
  if (error != 0) {
    // Reported as every failed connect: by an event of the next turn.
    connection.failure = error;
    markReady(id);
  }
  return id;
}

// False when nothing more is to be done for it in this turn.
bool Ring::serviceConnecting(int32_t id) {
  Connection& connection = connections_[id];
  int error = connection.failure;
  if (error == 0) {
    if ((connection.pending & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return false;
    if ((connection.pending & (EPOLLERR | EPOLLHUP)) != 0) error = takeSocketError(connection.fd);
  }
  connection.flags &= ~kConnecting;
  if (error != 0) {
    // A reset is of a connection that was there.
    failConnect(id, error == ECONNRESET && connection.tls != nullptr ? noteBroken(id, error) : error);
    return false;
  }
  if (connection.tls != nullptr) {
    connection.flags |= kHandshaking;
    return true;
  }
  if ((connection.flags & kClosing) == 0) push(id, kEventConnect, 0, 0);
  if (connection.queue.length == 0) shutdownIfFlushed(id);
  return true;
}

void Ring::failConnect(int32_t id, int error) {
  Connection& connection = connections_[id];
  connection.flags &= ~kHandshaking;
  if ((connection.flags & kClosing) != 0) return destroy(id);
  connection.failure = error;
  connection.flags |= kFailed;
  dropQueue(id);
  push(id, kEventConnect, error, 0);
}

// -- what epoll said ----------------------------------------------------------------------------------------------------

void Ring::service(int32_t id) {
  Connection& connection = connections_[id];
  connection.flags &= ~kReady;
  connection.servicedTurn = turn_;
  if (!hasRoom(0)) {
    starved_ = true;
    return markReady(id);
  }
  if ((connection.flags & kConnecting) != 0 && !serviceConnecting(id)) return;
  const uint32_t pending = connection.pending;
  connection.pending = 0;
  if ((connection.flags & kFailed) != 0) return;
  if ((pending & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    connection.flags |= kReadable;
    if ((pending & (EPOLLRDHUP | EPOLLHUP)) != 0) connection.flags |= kPeerClosed;
    if ((pending & EPOLLERR) != 0) connection.flags |= kReset;
  }
  if ((pending & EPOLLOUT) != 0 && connection.queue.length > 0) {
    serviceWritable(id);
    if ((connection.flags & kUsed) == 0) return;
  }
  if ((connection.flags & kHandshaking) != 0) return serviceHandshake(id);
  if ((connection.flags & kClosing) != 0) return serviceClosing(id);
  const bool canRead = (connection.flags & (kPaused | kEofSent)) == 0;
  if (!canRead && (pending & EPOLLERR) != 0 && connection.failure == 0) {
    // A reset is told even while paused or after the FIN: nobody should go on working for a peer that has gone.
    connection.failure = takeSocketError(connection.fd);
  }
  if ((connection.flags & kPaused) == 0) return serviceReadable(id);
  if (connection.failure != 0) reportFailure(id);
}

void Ring::serviceWritable(int32_t id) {
  Connection& connection = connections_[id];
  flushQueue(id);
  if ((connection.flags & kHandshaking) != 0) return;
  if (connection.queue.length == 0) {
    if ((connection.flags & kClosing) != 0) return finishFlushClose(id);
    shutdownIfFlushed(id);
  }
  drainIfLow(id);
}

// The end of a shutdownWrite whose queue was not empty.
void Ring::shutdownIfFlushed(int32_t id) {
  Connection& connection = connections_[id];
  if ((connection.flags & (kShutdownWhenFlushed | kSendFailed)) != kShutdownWhenFlushed) return;
  connection.flags &= ~kShutdownWhenFlushed;
  shutdown(connection.fd, SHUT_WR);
}

void Ring::drainIfLow(int32_t id) {
  Connection& connection = connections_[id];
  if ((connection.flags & (kAboveHigh | kSendFailed)) != kAboveHigh || static_cast<uint32_t>(queued_[id]) > connection.low) return;
  connection.flags &= ~kAboveHigh;
  push(id, kEventDrain, queued_[id], 0);
}

void Ring::serviceClosing(int32_t id) {
  const uint32_t flags = connections_[id].flags;
  if ((flags & (kSendFailed | kReset)) != 0) return destroy(id);
  if ((flags & kReadable) != 0) discardInput(id);
}

void Ring::serviceReadable(int32_t id) {
  Connection& connection = connections_[id];
  const size_t held = connection.heldLength;
  const bool canReceive = (connection.flags & (kReadable | kEofSent)) == kReadable;
  const bool redeliver = held > 0 && (connection.flags & kRedeliver) != 0;
  if (canReceive || redeliver) {
    // A record that was not complete before gives more plain text than what is received now.
    const size_t fromBefore = connection.tls != nullptr ? kTlsRecordSize : 0;
    const size_t need = held + (canReceive ? sizes_.recvSize + fromBefore : 0) + kArenaGap + kArenaAlignment;
    if (!hasRoom(need)) {
      if (need <= sizes_.arenaSize) {
        starved_ = true;
        return markReady(id);
      }
      // A reader that holds more than the arena will never get further.
      connection.flags &= ~kReadable;
      fail(id, ENOBUFS);
      return reportFailure(id);
    }
  }
  size_t fresh = 0;
  bool isEof = connection.tls != nullptr && connection.tls->peerClosed && (connection.flags & kEofSent) == 0;
  if (canReceive) fresh = receive(id, &isEof);
  if (fresh > 0 || redeliver) deliverData(id, fresh);
  endRead(id, isEof);
}

// What is told behind the data of a read.
void Ring::endRead(int32_t id, bool isEof) {
  Connection& connection = connections_[id];
  if (isEof) {
    connection.flags |= kEofSent;
    push(id, kEventEof, 0, 0);
  }
  if (connection.failure != 0 && ((connection.flags & kReadable) == 0 || (connection.flags & kEofSent) != 0)) {
    reportFailure(id);
  }
}

// The only place that reads from a socket for JavaScript: at most one recv per connection and turn. The bytes go behind
// the room for held ones.
size_t Ring::receive(int32_t id, bool* isEof) {
  Connection& connection = connections_[id];
  uint8_t* to = connection.tls != nullptr ? cipherText_ : slab_ + arenaUsed_ + connection.heldLength;
  const ssize_t n = recv(connection.fd, to, sizes_.recvSize, MSG_DONTWAIT);
  count(kCounterReceives);
  if (n > 0) {
    const bool isFull = static_cast<uint32_t>(n) == sizes_.recvSize;
    // A short read means drained. With a FIN seen before, nothing can follow it; a Unix socket may stop at a message
    // that carries descriptors, so there the FIN has to be read.
    const bool mayHaveMore = (connection.flags & kReset) != 0 || (connection.flags & (kPeerClosed | kUnix)) == (kPeerClosed | kUnix);
    if (isFull || mayHaveMore) {
      markReady(id);
    } else {
      connection.flags &= ~kReadable;
      *isEof = (connection.flags & kPeerClosed) != 0;
    }
    if (connection.tls != nullptr) return decrypt(id, static_cast<size_t>(n), isEof);
    bytesRead_[id] += static_cast<double>(n);
    return static_cast<size_t>(n);
  }
  if (n < 0 && errno == EINTR) {
    markReady(id);
    return 0;
  }
  connection.flags &= ~kReadable;
  if (n == 0) {
    *isEof = connection.failure == 0;
  } else if (isTransient(errno)) {
    count(kCounterEmptyReceives);
  } else if (connection.failure == 0) {
    connection.failure = errno;
  }
  return 0;
}

void Ring::deliverData(int32_t id, size_t fresh) {
  Connection& connection = connections_[id];
  const size_t held = connection.heldLength;
  if (held > 0) {
    memcpy(slab_ + arenaUsed_, connection.held, held);
    free(connection.held);
    connection.held = nullptr;
    connection.heldLength = 0;
  }
  connection.flags &= ~kRedeliver;
  const size_t total = held + fresh;
  push(id, kEventData, static_cast<int32_t>(arenaUsed_), static_cast<int32_t>(total));
  arenaUsed_ = (arenaUsed_ + total + kArenaGap + kArenaAlignment - 1) & ~(kArenaAlignment - 1);
}

// -- failing ------------------------------------------------------------------------------------------------------------

// Nothing can be sent any more; `error` is reported after what can still be read.
void Ring::fail(int32_t id, int error) {
  Connection& connection = connections_[id];
  if (connection.failure == 0) connection.failure = error;
  connection.flags |= kSendFailed;
  dropQueue(id);
  markReady(id);
}

void Ring::reportFailure(int32_t id) {
  Connection& connection = connections_[id];
  if ((connection.flags & kFailed) != 0) return;
  connection.flags |= kFailed;
  dropQueue(id);
  push(id, kEventError, connection.failure, 0);
}

// -- sending ------------------------------------------------------------------------------------------------------------

void Ring::sendRanges(int32_t id, const int32_t* pairs, uint32_t rangeCount) {
  Connection& connection = connections_[id];
  size_t total = 0;
  for (uint32_t i = 0; i < rangeCount; ++i) {
    if (!isRange(pairs[2 * i], pairs[2 * i + 1])) return badCommand("send outside the slab", id);
    total += static_cast<size_t>(pairs[2 * i + 1]);
  }
  if (total == 0 || (connection.flags & (kFailed | kSendFailed)) != 0) return;
  if (connection.tls != nullptr) return sendTls(id, pairs, rangeCount);
  if ((connection.flags & kConnecting) != 0 || connection.queue.length > 0) {
    for (uint32_t i = 0; i < rangeCount; ++i) enqueue(id, slab_ + pairs[2 * i], static_cast<size_t>(pairs[2 * i + 1]));
  } else if (rangeCount == 1) {
    transmit(id, slab_ + pairs[0], total);
  } else if (total <= kGatherSize) {
    uint8_t* to = gather_;
    for (uint32_t i = 0; i < rangeCount; ++i) {
      const size_t length = static_cast<size_t>(pairs[2 * i + 1]);
      memcpy(to, slab_ + pairs[2 * i], length);
      to += length;
    }
    transmit(id, gather_, total);
  } else {
    sendVector(id, pairs, rangeCount);
  }
}

void Ring::sendVector(int32_t id, const int32_t* pairs, uint32_t rangeCount) {
  Connection& connection = connections_[id];
  uint32_t next = 0;
  while (next < rangeCount && connection.queue.length == 0 && (connection.flags & kSendFailed) == 0) {
    iovec vector[kVectorSize];
    size_t n = 0;
    size_t total = 0;
    for (; n < kVectorSize && next < rangeCount; ++n, ++next) {
      vector[n].iov_base = slab_ + pairs[2 * next];
      vector[n].iov_len = static_cast<size_t>(pairs[2 * next + 1]);
      total += vector[n].iov_len;
    }
    msghdr message{};
    message.msg_iov = vector;
    message.msg_iovlen = n;
    const ssize_t sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (afterSend(id, sent, total) == 0) continue;
    size_t skip = sent < 0 ? 0 : static_cast<size_t>(sent);
    for (size_t i = 0; i < n; ++i) {
      const size_t length = vector[i].iov_len;
      const size_t taken = skip < length ? skip : length;
      skip -= taken;
      enqueue(id, static_cast<const uint8_t*>(vector[i].iov_base) + taken, length - taken);
    }
  }
  for (; next < rangeCount; ++next) enqueue(id, slab_ + pairs[2 * next], static_cast<size_t>(pairs[2 * next + 1]));
}

// Accounts for one send of `length` bytes and returns how many the kernel did not take; 0 when the connection failed.
size_t Ring::afterSend(int32_t id, ssize_t sent, size_t length) {
  count(kCounterSends);
  if (sent < 0) {
    if (!isTransient(errno)) {
      // The peer may have answered before it went away: that is read first.
      if ((connections_[id].flags & kEofSent) == 0) connections_[id].flags |= kReadable;
      fail(id, errno);
      return 0;
    }
    sent = 0;
  }
  // With TLS it is the plain text that counts.
  if (connections_[id].tls == nullptr) bytesWritten_[id] += static_cast<double>(sent);
  const size_t left = length - static_cast<size_t>(sent);
  if (left > 0) count(kCounterShortSends);
  return left;
}

// The only place besides flushQueue and sendVector that writes to a socket: what the kernel does not take is copied.
void Ring::transmit(int32_t id, const uint8_t* bytes, size_t length) {
  const ssize_t sent = ::send(connections_[id].fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  const size_t left = afterSend(id, sent, length);
  if (left > 0) enqueue(id, bytes + (length - left), left);
}

void Ring::enqueue(int32_t id, const uint8_t* bytes, size_t length) {
  Connection& connection = connections_[id];
  if (length == 0 || (connection.flags & kSendFailed) != 0) return;
  if (!append(&connection.queue, bytes, length)) return fail(id, ENOBUFS);
  updateQueued(id);
}

// False: beyond the limit, or no memory.
bool Ring::append(SendQueue* to, const uint8_t* bytes, size_t length) {
  SendQueue& queue = *to;
  const size_t needed = queue.length + length;
  if (needed > kQueueLimit) return false;
  if (queue.offset + needed > queue.capacity) {
    if (needed <= queue.capacity && queue.offset >= queue.length) {
      memcpy(queue.data, queue.data + queue.offset, queue.length);  // the halves cannot overlap
    } else {
      size_t capacity = queue.capacity == 0 ? kQueueSize : queue.capacity;
      while (capacity < needed + needed / 4) capacity *= 2;
      uint8_t* data = static_cast<uint8_t*>(malloc(capacity));
      if (data == nullptr) return false;
      if (queue.length > 0) memcpy(data, queue.data + queue.offset, queue.length);
      free(queue.data);
      queue.data = data;
      queue.capacity = capacity;
    }
    queue.offset = 0;
  }
  memcpy(queue.data + queue.offset + queue.length, bytes, length);
  queue.length = needed;
  return true;
}

void Ring::updateQueued(int32_t id) {
  Connection& connection = connections_[id];
  const size_t queued = connection.queue.length + (connection.tls != nullptr ? connection.tls->plain.length : 0);
  queued_[id] = static_cast<int32_t>(queued);
  if (queued > connection.high) connection.flags |= kAboveHigh;
}

void Ring::flushQueue(int32_t id) {
  Connection& connection = connections_[id];
  SendQueue& queue = connection.queue;
  while (queue.length > 0) {
    const ssize_t sent = ::send(connection.fd, queue.data + queue.offset, queue.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    const size_t left = afterSend(id, sent, queue.length);
    if ((connection.flags & kSendFailed) != 0) return;  // the queue is gone
    queue.offset += queue.length - left;
    queue.length = left;
    if (left > 0) return updateQueued(id);  // the kernel is full: EPOLLOUT will tell
  }
  free(queue.data);
  queue = SendQueue{nullptr, 0, 0, 0};
  updateQueued(id);
}

void Ring::dropQueue(int32_t id) {
  Connection& connection = connections_[id];
  free(connection.queue.data);
  connection.queue = SendQueue{nullptr, 0, 0, 0};
  if (connection.tls != nullptr) {
    free(connection.tls->plain.data);
    connection.tls->plain = SendQueue{nullptr, 0, 0, 0};
  }
  queued_[id] = 0;
}

void Ring::sendBytes(int32_t id, const uint8_t* bytes, size_t length) {
  runCommands();
  if (!isNumber(id)) return badCommand("no such connection", id);
  Connection& connection = connections_[id];
  if ((connection.flags & (kUsed | kListener | kClosing)) != kUsed) return count(kCounterStaleCommands);
  if (length == 0 || (connection.flags & (kFailed | kSendFailed)) != 0) return;
  if (connection.tls != nullptr) {
    encrypt(id, bytes, length);
    flushRecords(id);
  } else if ((connection.flags & kConnecting) != 0 || connection.queue.length > 0) {
    enqueue(id, bytes, length);
  } else {
    transmit(id, bytes, length);
  }
}

void Ring::setWatermarks(int32_t id, uint32_t low, uint32_t high) {
  if (!isNumber(id) || (connections_[id].flags & (kUsed | kListener)) != kUsed) return;
  connections_[id].low = low;
  connections_[id].high = high;
  if (static_cast<uint32_t>(queued_[id]) > high) connections_[id].flags |= kAboveHigh;
}

// -- closing ------------------------------------------------------------------------------------------------------------

// close(flush) with an empty queue. The kernel answers unread input with RST, which can cost the peer our last bytes:
// what has arrived is read and thrown away first.
void Ring::finishFlushClose(int32_t id) {
  const Connection& connection = connections_[id];
  if ((connection.flags & (kReadable | kPaused)) != 0 && (connection.flags & (kEofSent | kConnecting)) == 0) {
    shutdown(connection.fd, SHUT_WR);
    discardInput(id);
  }
  destroy(id);
}

void Ring::discardInput(int32_t id) {
  Connection& connection = connections_[id];
  // MSG_TRUNC: TCP drops the bytes without copying them.
  const int flags = MSG_DONTWAIT | ((connection.flags & kUnix) != 0 ? 0 : MSG_TRUNC);
  for (int i = 0; i < kDiscardRounds; ++i) {
    const ssize_t n = recv(connection.fd, gather_, kGatherSize, flags);
    count(kCounterReceives);
    if (n == static_cast<ssize_t>(kGatherSize)) continue;
    connection.flags &= ~kReadable;
    if (n < 0 && !isTransient(errno)) connection.flags |= kReset;
    return;
  }
  if ((connection.flags & kClosing) != 0) markReady(id);
}

// -- addresses ----------------------------------------------------------------------------------------------------------

size_t Ring::remoteAddress(int32_t id, char* text) const {
  text[0] = '\0';
  if (!isNumber(id) || (connections_[id].flags & (kUsed | kListener)) != kUsed) return 0;
  const Connection& connection = connections_[id];
  SocketAddress address{};
  socklen_t length = sizeof(address);
  if ((connection.flags & kUnix) == 0) {
    memcpy(&address, &connection.peer, connection.peerLength);
    length = connection.peerLength;
  } else if (getpeername(connection.fd, &address.any, &length) != 0) {
    return 0;
  }
  return formatAddress(address, length, text);
}

size_t Ring::localAddress(int32_t id, char* text) const {
  text[0] = '\0';
  if (!isNumber(id) || (connections_[id].flags & kUsed) == 0) return 0;
  SocketAddress address{};
  socklen_t length = sizeof(address);
  if (getsockname(connections_[id].fd, &address.any, &length) != 0) return 0;
  return formatAddress(address, length, text);
}

// Where netfilter redirected it from; nothing when it did not, or is not there.
size_t Ring::originalDestination(int32_t id, char* text) const {
  // linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h have these names, where those headers are installed.
  constexpr int kOriginalDestination = 80;
  text[0] = '\0';
  if (!isNumber(id) || (connections_[id].flags & kUsed) == 0) return 0;
  const int fd = connections_[id].fd;
  SocketAddress address{};
  socklen_t length = sizeof(address);
  if (getsockname(fd, &address.any, &length) != 0) return 0;
  const int family = address.any.sa_family;
  if (family != AF_INET && family != AF_INET6) return 0;
  // An IPv4 connection to a socket of both families has an IPv4 destination.
  const bool isV4 = family == AF_INET || IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr);
  length = isV4 ? sizeof(address.v4) : sizeof(address.v6);
  if (getsockopt(fd, isV4 ? SOL_IP : SOL_IPV6, kOriginalDestination, &address, &length) != 0) return 0;
  return formatAddress(address, length, text);
}

}  // namespace envoyts
