#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "ring.h"

namespace envoyts {

namespace {

// Even when only our sockets are busy, libuv gets a round after so many turns: unref'd immediates, check handles.
constexpr int kTurnsBeforeLibuv = 64;

void doNothing(uv_idle_t*) {}

}  // namespace

Loop* Loop::create(napi_env env) {
  Loop* loop = new Loop;
  loop->env_ = env;
  if (napi_get_uv_event_loop(env, &loop->loop_) != napi_ok ||
      napi_add_async_cleanup_hook(env, onCleanup, loop, &loop->hook_) != napi_ok) {
    delete loop;
    return nullptr;
  }
  // Initialised handles that are not started do not keep the loop alive. Neither call can fail.
  uv_prepare_init(loop->loop_, &loop->prepare_);
  uv_idle_init(loop->loop_, &loop->idle_);
  loop->prepare_.data = loop;
  loop->idle_.data = loop;
  return loop;
}

void Loop::onCleanup(napi_async_cleanup_hook_handle handle, void* data) {
  Loop* loop = static_cast<Loop*>(data);
  loop->hook_ = handle;
  loop->ended_ = true;
  while (loop->rings_ != nullptr) loop->rings_->close();
  if (loop->parentEpoll_ >= 0) ::close(loop->parentEpoll_);
  loop->openHandles_ = 2;
  uv_close(reinterpret_cast<uv_handle_t*>(&loop->prepare_), onClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&loop->idle_), onClosed);
}

void Loop::onClosed(uv_handle_t* handle) {
  Loop* loop = static_cast<Loop*>(handle->data);
  if (--loop->openHandles_ > 0) return;
  napi_remove_async_cleanup_hook(loop->hook_);
  delete loop;
}

void Loop::add(Ring* ring) {
  ring->next_ = rings_;
  rings_ = ring;
}

void Loop::remove(Ring* ring) {
  Ring** link = &rings_;
  while (*link != nullptr && *link != ring) link = &(*link)->next_;
  if (*link == nullptr) return;
  *link = ring->next_;
  ring->next_ = nullptr;
  if (!ring->isStarted()) return;
  --started_;
  if (ended_) return;
  if (started_ == 0) {
    uv_prepare_stop(&prepare_);
    uv_idle_stop(&idle_);
  } else if (ring->watchesLibuv()) {
    watchLibuvInFirst();
  }
}

int Loop::start(Ring* ring) {
  ring->setStarted();
  ring->retain();  // until it is closed
  ++started_;
  if (started_ == 1) {
    const int error = ring->watchLibuv(uv_backend_fd(loop_));
    if (error != 0) return error;
    uv_prepare_start(&prepare_, onPrepare);
    return 0;
  }
  return watchParent();
}

void Loop::watchLibuvInFirst() {
  for (Ring* ring = rings_; ring != nullptr; ring = ring->next_) {
    if (ring->isStarted()) {
      ring->watchLibuv(uv_backend_fd(loop_));
      return;
    }
  }
}

int Loop::watchParent() {
  if (parentEpoll_ < 0) parentEpoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (parentEpoll_ < 0) return errno;
  for (Ring* ring = rings_; ring != nullptr; ring = ring->next_) {
    if (!ring->isStarted()) continue;
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(parentEpoll_, EPOLL_CTL_ADD, ring->epoll(), &event) != 0 && errno != EEXIST) return errno;
  }
  return 0;
}

// Watchers that were started since libuv last polled are not in its epoll yet: only libuv's own poll puts them there.
// The queue is an intrusive list; an empty head points at itself (unchanged through libuv 1.x).
bool Loop::hasUnregisteredWatchers() const {
  const void* head = &loop_->watcher_queue;
  const void* first = *static_cast<const void* const*>(head);
  return first != head;
}

void Loop::onPrepare(uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->run(); }

void Loop::run() {
  uv_idle_stop(&idle_);
  if (leave_) return;
  for (int turn = 0; turn < kTurnsBeforeLibuv; ++turn) {
    uv_update_time(loop_);
    const int bound = uv_backend_timeout(loop_);
    const bool isDue = bound == 0 || hasUnregisteredWatchers();
    if (isDue && turn > 0) break;
    const bool isDone = runRings(isDue ? 0 : bound);
    if (started_ == 0 || ended_) return;
    if (isDone || isDue || leave_) break;
  }
  uv_idle_start(&idle_, doNothing);
}

bool Loop::runRings(int timeoutMs) {
  if (started_ > 1) return runSeveral(timeoutMs);
  for (Ring* ring = rings_; ring != nullptr; ring = ring->next_) {
    if (ring->isStarted()) return runOnly(ring, timeoutMs);
  }
  return true;
}

bool Loop::runOnly(Ring* ring, int timeoutMs) {
  bool libuvReady = false;
  const int happened = ring->runTurn(timeoutMs, &libuvReady);
  return libuvReady || happened == 0;
}

bool Loop::runSeveral(int timeoutMs) {
  std::vector<Ring*> rings;
  int bound = timeoutMs;
  for (Ring* ring = rings_; ring != nullptr; ring = ring->next_) {
    if (!ring->isStarted()) continue;
    ring->retain();
    rings.push_back(ring);
    bound = ring->sleepBound(bound);
  }
  epoll_event events[8];
  epoll_wait(parentEpoll_, events, 8, bound);
  bool libuvReady = false;
  int happened = 0;
  for (Ring* ring : rings) {
    if (!ring->isClosed()) happened += ring->runTurn(0, &libuvReady);
    ring->release();
  }
  return libuvReady || happened == 0;
}

}  // namespace envoyts
