#include "ring.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "connection.h"
#include "loop.h"
#include "tls.h"

namespace envoyts {

namespace {

constexpr uint64_t kLibuvTag = ~0ull;
constexpr double kClosingCheckMs = 1000;

size_t alignUp(size_t n) { return (n + kArenaAlignment - 1) & ~(kArenaAlignment - 1); }

double toMs(const timespec& t) { return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6; }

double monotonicMs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return toMs(t);
}

// Zeroed, touched lazily. Under a sanitizer it comes from the heap, so that it has red zones.
Region* createRegion(size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  void* data = nullptr;
  if (posix_memalign(&data, kArenaAlignment, size) != 0) return nullptr;
  memset(data, 0, size);
#else
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
#endif
  return new Region{static_cast<uint8_t*>(data), size, 1};
}

}  // namespace

// -- life ---------------------------------------------------------------------------------------------------------------

void Ring::releaseRegion(Region* region) {
  if (region == nullptr || --region->references > 0) return;
#if defined(__SANITIZE_ADDRESS__)
  free(region->data);
#else
  munmap(region->data, region->size);
#endif
  delete region;
}

Ring* Ring::create(Loop* loop, const RingSizes& sizes) {
  Ring* ring = new Ring;
  ring->loop_ = loop;
  ring->sizes_ = sizes;
  ring->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (ring->epoll_ < 0 || !ring->allocate()) {
    const int error = ring->epoll_ < 0 ? errno : ENOMEM;
    if (ring->epoll_ >= 0) ::close(ring->epoll_);
    ring->epoll_ = -1;
    ring->release();
    errno = error;
    return nullptr;
  }
  loop->add(ring);
  ring->readClock();
  return ring;
}

bool Ring::allocate() {
  sizes_.arenaSize = static_cast<uint32_t>(alignUp(sizes_.arenaSize));
  sizes_.staticSize = static_cast<uint32_t>(alignUp(sizes_.staticSize));
  sizes_.outSize = static_cast<uint32_t>(alignUp(sizes_.outSize));
  slabSize_ = static_cast<size_t>(sizes_.arenaSize) + sizes_.staticSize + sizes_.outSize;

  size_t at = 0;
  const auto take = [&at](size_t bytes) {
    const size_t begin = at;
    at = alignUp(at + bytes);
    return begin;
  };
  const size_t n = sizes_.maxConnections;
  layout_.control = take(kControlSize * sizeof(int32_t));
  layout_.clock = take(kClockSize * sizeof(double));
  layout_.counters = take(kCounterSize * sizeof(double));
  layout_.events = take(static_cast<size_t>(kEventCapacity) * kEventWords * sizeof(int32_t));
  layout_.commands = take(kCommandCapacity * sizeof(int32_t));
  layout_.queued = take(n * sizeof(int32_t));
  layout_.bytesRead = take(n * sizeof(double));
  layout_.bytesWritten = take(n * sizeof(double));
  layout_.size = at;

  slabRegion_ = createRegion(slabSize_);
  tableRegion_ = createRegion(layout_.size);
  connections_ = static_cast<Connection*>(calloc(n, sizeof(Connection)));
  gather_ = static_cast<uint8_t*>(malloc(kGatherSize));
  if (slabRegion_ == nullptr || tableRegion_ == nullptr || connections_ == nullptr || gather_ == nullptr) return false;

  slab_ = slabRegion_->data;
  uint8_t* table = tableRegion_->data;
  control_ = reinterpret_cast<int32_t*>(table + layout_.control);
  clock_ = reinterpret_cast<double*>(table + layout_.clock);
  counters_ = reinterpret_cast<double*>(table + layout_.counters);
  events_ = reinterpret_cast<int32_t*>(table + layout_.events);
  commands_ = reinterpret_cast<int32_t*>(table + layout_.commands);
  queued_ = reinterpret_cast<int32_t*>(table + layout_.queued);
  bytesRead_ = reinterpret_cast<double*>(table + layout_.bytesRead);
  bytesWritten_ = reinterpret_cast<double*>(table + layout_.bytesWritten);
  return true;
}

Ring::~Ring() {
  releaseRegion(slabRegion_);
  releaseRegion(tableRegion_);
  free(connections_);
  free(gather_);
  releaseTls();
}

void Ring::release() {
  if (--references_ == 0) delete this;
}

void Ring::close() {
  if (isClosed()) return;
  for (uint32_t i = 0; i < freshNumbers_; ++i) {
    const uint32_t flags = connections_[i].flags;
    if ((flags & kUsed) != 0) destroy(static_cast<int32_t>(i));
  }
  ::close(epoll_);
  epoll_ = -1;
  loop_->remove(this);
  loop_ = nullptr;
  if (started_) release();  // the loop's reference; may be the last
}

napi_ref Ring::takeHandler() {
  napi_ref handler = handler_;
  handler_ = nullptr;
  return handler;
}

int Ring::watchLibuv(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kLibuvTag;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return errno;
  watchesLibuv_ = true;
  return 0;
}

// -- the turn -----------------------------------------------------------------------------------------------------------

void Ring::readClock() {
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_[kClockMonotonicMs] = monotonicMs();
  clock_[kClockWallMs] = toMs(wall);
}

int Ring::sleepBound(int boundMs) const {
  if (!ready_.empty() || boundMs == 0) return 0;
  double due = HUGE_VAL;
  if (tickIntervalMs_ > 0) due = nextTickMs_;
  if (!closing_.empty() && nextClosingCheckMs_ < due) due = nextClosingCheckMs_;
  if (!resting_.empty() && restUntilMs_ < due) due = restUntilMs_;
  if (due == HUGE_VAL) return boundMs;
  const double left = std::ceil(due - monotonicMs());
  if (left <= 0) return 0;
  if (boundMs >= 0 && left >= boundMs) return boundMs;
  return left > 1e9 ? 1000000000 : static_cast<int>(left);
}

int Ring::runTurn(int timeoutMs, bool* libuvReady) {
  // Commands written outside a turn that nobody flushed: before anything new.
  if (control_[kControlCommandWords] != 0) runCommands();
  const int timeout = sleepBound(timeoutMs);
  count(kCounterWaits);
  const int waited = epoll_wait(epoll_, waited_, static_cast<int>(sizeof(waited_) / sizeof(waited_[0])), timeout);
  readClock();
  retain();
  ++turn_;
  eventCount_ = 0;
  arenaUsed_ = 0;
  handshakesLeft_ = kHandshakesPerTurn;
  readyNow_.swap(ready_);
  int happened = static_cast<int>(readyNow_.size());
  // New events go first, unless the last turn had no room for the ones that wait: those must not starve.
  const bool readyFirst = starved_;
  starved_ = false;
  if (readyFirst) serviceReady();
  for (int i = 0; i < waited; ++i) {
    const uint64_t tag = waited_[i].data.u64;
    if (tag == kLibuvTag) {
      *libuvReady = true;
      continue;
    }
    ++happened;
    const int32_t id = static_cast<int32_t>(tag & 0xffffffffu);
    Connection& connection = connections_[id];
    if ((connection.flags & kUsed) == 0 || connection.generation != static_cast<uint32_t>(tag >> 32)) continue;
    if ((connection.flags & kListener) != 0) {
      acceptSome(id);
    } else {
      connection.pending |= waited_[i].events;
      if (connection.servicedTurn != turn_) {
        service(id);
      } else {
        markReady(id);
      }
    }
  }
  if (!readyFirst) serviceReady();
  checkTimers();
  if (eventCount_ > 0) {
    ++happened;
    deliver();
  }
  if (!isClosed() && !freeAfterTurn_.empty()) {
    freeNumbers_.insert(freeNumbers_.end(), freeAfterTurn_.begin(), freeAfterTurn_.end());
    freeAfterTurn_.clear();
  }
  release();
  return happened;
}

void Ring::serviceReady() {
  for (const int32_t id : readyNow_) {
    // Not any more: closed, or serviced because epoll named it too (if it is ready again, it is in ready_ already).
    const Connection& connection = connections_[id];
    if ((connection.flags & (kUsed | kReady)) == (kUsed | kReady) && connection.servicedTurn != turn_) service(id);
  }
  readyNow_.clear();
}

void Ring::checkTimers() {
  const double now = clock_[kClockMonotonicMs];
  if (tickIntervalMs_ > 0 && now >= nextTickMs_) {
    nextTickMs_ += tickIntervalMs_;
    if (nextTickMs_ <= now) nextTickMs_ = now + tickIntervalMs_;
    push(-1, kEventTick, 0, 0);
  }
  if (!resting_.empty() && now >= restUntilMs_) wakeRested();
  if (!closing_.empty() && now >= nextClosingCheckMs_) checkClosing();
}

void Ring::setTick(double intervalMs) {
  tickIntervalMs_ = intervalMs > 0 ? intervalMs : 0;
  nextTickMs_ = monotonicMs() + tickIntervalMs_;
}

void Ring::checkClosing() {
  const double now = clock_[kClockMonotonicMs];
  size_t kept = 0;
  for (size_t i = 0; i < closing_.size(); ++i) {
    Closing entry = closing_[i];
    const Connection& connection = connections_[entry.id];
    if ((connection.flags & kClosing) == 0 || connection.generation != entry.generation) continue;
    const int32_t queued = queued_[entry.id];
    if (queued != entry.queued) {
      entry.queued = queued;
      entry.deadlineMs = now + kFlushStallMs;
    } else if (now >= entry.deadlineMs) {
      destroy(entry.id);
      continue;
    }
    closing_[kept++] = entry;
  }
  closing_.resize(kept);
  nextClosingCheckMs_ = now + kClosingCheckMs;
}

void Ring::push(int32_t id, EventKind kind, int32_t a, int32_t b) {
  if (eventCount_ >= kEventCapacity) return;  // unreachable: callers check for room first
  int32_t* event = events_ + static_cast<size_t>(eventCount_++) * kEventWords;
  event[0] = id;
  event[1] = kind;
  event[2] = a;
  event[3] = b;
}

void Ring::markReady(int32_t id) {
  Connection& connection = connections_[id];
  if ((connection.flags & kReady) != 0) return;
  connection.flags |= kReady;
  ready_.push_back(id);
}

void Ring::deliver() {
  napi_env env = loop_->env();
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  count(kCounterTurns);
  control_[kControlEvents] = static_cast<int32_t>(eventCount_);
  napi_value handler, receiver, result, error = nullptr;
  napi_status status = napi_get_reference_value(env, handler_, &handler);
  if (status == napi_ok) status = napi_get_global(env, &receiver);
  if (status == napi_ok) status = napi_make_callback(env, nullptr, receiver, handler, 0, nullptr, &result);
  if (status != napi_ok) {
    bool isPending = false;
    napi_is_exception_pending(env, &isPending);
    if (isPending) napi_get_and_clear_last_exception(env, &error);
    // No exception: the environment is ending and JavaScript cannot run any more.
    if (!isPending && loop_ != nullptr) loop_->leave();
  }
  if (!isClosed()) {
    // Also after an exception: what was commanded before it stands, what was not consumed is kept.
    runCommands();
    holdUnconsumed();
    control_[kControlEvents] = 0;
  }
  if (error != nullptr) {
    // process.exit() and terminate() show as an empty exception: nothing to report then, and nothing may be accepted any more
    // (what waits in the accept queue belongs to the thread's successor).
    napi_valuetype type = napi_undefined;
    napi_typeof(env, error, &type);
    if (type != napi_undefined && type != napi_null) {
      napi_fatal_exception(env, error);
    } else if (loop_ != nullptr) {
      loop_->leave();
    }
  }
  napi_close_handle_scope(env, scope);
}

void Ring::holdUnconsumed() {
  const uint32_t n = eventCount_;
  eventCount_ = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t* event = events_ + static_cast<size_t>(i) * kEventWords;
    if (event[1] != kEventData || event[3] == 0) continue;
    const int32_t id = event[0];
    if (!isNumber(id) || !isRange(event[2], event[3])) {
      badCommand("unconsumed bytes outside the slab", id);
      continue;
    }
    Connection& connection = connections_[id];
    if ((connection.flags & (kUsed | kListener | kClosing)) != kUsed) continue;
    hold(id, slab_ + event[2], static_cast<size_t>(event[3]));
    if ((connection.flags & kRedeliver) != 0) markReady(id);
  }
}

// Keeps bytes for the next read to stand behind.
void Ring::hold(int32_t id, const uint8_t* bytes, size_t length) {
  Connection& connection = connections_[id];
  uint8_t* copy = static_cast<uint8_t*>(malloc(length));
  if (copy == nullptr) return fail(id, ENOMEM);
  memcpy(copy, bytes, length);
  free(connection.held);
  connection.held = copy;
  connection.heldLength = static_cast<uint32_t>(length);
  count(kCounterHeldCopies);
}

// -- commands -----------------------------------------------------------------------------------------------------------

bool Ring::isRange(int32_t offset, int32_t length) const {
  return offset >= 0 && length >= 0 && static_cast<size_t>(offset) <= slabSize_ &&
         static_cast<size_t>(length) <= slabSize_ - static_cast<size_t>(offset);
}

// A bug of ours above the seam: count it, say it once, and give up that connection (it gets an `error` event).
void Ring::badCommand(const char* what, int32_t id) {
  count(kCounterBadCommands);
  if (!complained_) {
    complained_ = true;
    fprintf(stderr, "envoyts: io ring: bad command (%s) for connection %d; further ones are only counted\n", what, id);
  }
  if (!isNumber(id) || (connections_[id].flags & (kUsed | kListener)) != kUsed) return;
  connections_[id].flags &= ~kReadable;
  connections_[id].flags |= kEofSent;  // nothing more is read
  shutdown(connections_[id].fd, SHUT_RDWR);
  fail(id, EINVAL);
}

void Ring::runCommands() {
  const uint32_t words = static_cast<uint32_t>(control_[kControlCommandWords]);
  control_[kControlCommandWords] = 0;
  if (words > kCommandCapacity) return badCommand("more words than the array holds", -1);
  const int32_t* at = commands_;
  const int32_t* const end = commands_ + words;
  while (at < end) {
    if (end - at < 2) return badCommand("cut short", -1);
    const uint32_t op = static_cast<uint32_t>(at[0]) & 0xffu;
    const uint32_t argument = static_cast<uint32_t>(at[0]) >> 8;
    const int32_t id = at[1];
    at += 2;
    const int32_t* const pairs = at;
    if (op == kCommandSend) {
      if (argument > static_cast<size_t>(end - at) / 2) return badCommand("more ranges than words", id);
      at += static_cast<size_t>(argument) * 2;
    }
    if (op < kCommandSend || op > kCommandShutdownWrite) return badCommand("unknown command", id);
    if (!isNumber(id)) {
      badCommand("no such connection", id);
      continue;
    }
    if ((connections_[id].flags & (kUsed | kListener | kClosing)) != kUsed) {
      count(kCounterStaleCommands);
      continue;
    }
    switch (op) {
      case kCommandSend:
        sendRanges(id, pairs, argument);
        break;
      case kCommandClose:
        executeClose(id, argument);
        break;
      case kCommandPause:
        connections_[id].flags |= kPaused;
        break;
      case kCommandResume:
        executeResume(id);
        break;
      case kCommandShutdownWrite:
        executeShutdownWrite(id);
        break;
      default:
        break;
    }
  }
}

void Ring::executeResume(int32_t id) {
  Connection& connection = connections_[id];
  connection.flags &= ~kPaused;
  connection.flags |= kRedeliver;
  if ((connection.flags & kReadable) != 0 || connection.heldLength > 0 || connection.failure != 0) markReady(id);
}

void Ring::executeShutdownWrite(int32_t id) {
  Connection& connection = connections_[id];
  closeNotify(id);
  if (connection.queue.length > 0 || (connection.flags & (kConnecting | kHandshaking)) != 0) {
    connection.flags |= kShutdownWhenFlushed;
  } else {
    shutdown(connection.fd, SHUT_WR);
  }
}

void Ring::executeClose(int32_t id, uint32_t mode) {
  Connection& connection = connections_[id];
  if (mode > kCloseReset) return badCommand("unknown close mode", id);
  if (mode == kCloseReset) setResetOnClose(connection.fd);
  // At once only where it goes behind everything else.
  if (mode == kCloseFlush || (mode == kCloseNow && connection.queue.length == 0)) closeNotify(id);
  if (mode != kCloseFlush || (connection.flags & (kFailed | kSendFailed)) != 0) return destroy(id);
  if (queued_[id] == 0) return finishFlushClose(id);
  connection.flags |= kClosing;
  free(connection.held);
  connection.held = nullptr;
  connection.heldLength = 0;
  if (closing_.empty()) nextClosingCheckMs_ = clock_[kClockMonotonicMs] + kClosingCheckMs;
  closing_.push_back({id, connection.generation, queued_[id], clock_[kClockMonotonicMs] + kFlushStallMs});
  if ((connection.flags & kReadable) != 0) markReady(id);
}

}  // namespace envoyts
