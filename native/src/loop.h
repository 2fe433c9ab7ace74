// One thread's loop: fits the rings of an environment into libuv's loop. Owns the libuv handles.
#pragma once

#include <node_api.h>
#include <uv.h>

namespace envoyts {

class Ring;

// One per environment (thread), made when the addon is loaded there and freed when the environment has gone.
//
// A started ring blocks in a uv_prepare callback, in its own epoll_wait, which also watches libuv's backend descriptor,
// for at most as long as libuv would have blocked. When libuv has something to do, an idle handle is started, so that
// libuv then polls with timeout 0. With several rings on one thread a parent epoll watches all of them; never both ways.
class Loop {
 public:
  // Registers with the environment. nullptr when a Node-API call failed.
  static Loop* create(napi_env env);

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  napi_env env() const { return env_; }
  // Every open ring is listed, so that the end of the environment closes its sockets.
  void add(Ring* ring);
  void remove(Ring* ring);
  // The ring takes part in the loop from now on, and keeps it alive. 0 or errno.
  int start(Ring* ring);
  // JavaScript cannot run any more (terminate(), process.exit): let libuv end the loop.
  void leave() { leave_ = true; }

 private:
  Loop() = default;
  static void onCleanup(napi_async_cleanup_hook_handle handle, void* data);
  static void onPrepare(uv_prepare_t* handle);
  static void onClosed(uv_handle_t* handle);

  void run();
  // One turn of every started ring, waiting for at most `timeoutMs` (-1 = for ever). True when libuv's descriptor is ready
  // or nothing happened.
  bool runRings(int timeoutMs);
  bool runOnly(Ring* ring, int timeoutMs);
  bool runSeveral(int timeoutMs);
  bool hasUnregisteredWatchers() const;
  int watchParent();
  void watchLibuvInFirst();

  napi_env env_ = nullptr;
  uv_loop_t* loop_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  uv_prepare_t prepare_{};
  uv_idle_t idle_{};
  int openHandles_ = 0;
  Ring* rings_ = nullptr;  // all open ones
  int started_ = 0;
  int parentEpoll_ = -1;
  bool leave_ = false;
  bool ended_ = false;
};

}  // namespace envoyts
