// Socket addresses as text, and the options a socket is made with.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>

namespace envoyts {

// Room for the longest address text: a Unix path, or '[v6%scope]:port'.
constexpr size_t kAddressTextSize = 160;

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

// Parses a numeric IPv4/IPv6 address ('fe80::1%eth0' allowed), a Unix path ('/...') or an abstract name ('@...').
// Returns 0, or the errno (EINVAL, ENAMETOOLONG).
int parseAddress(const char* text, size_t length, uint16_t port, SocketAddress* out, socklen_t* outLength);

// Writes '127.0.0.1:80', '[::1]:80', a path, '@name' or ''. `text` has kAddressTextSize bytes. Returns the length.
size_t formatAddress(const SocketAddress& address, socklen_t length, char* text);

// Like formatAddress without brackets and port; the port goes to *port (0 for Unix sockets).
size_t formatHost(const SocketAddress& address, socklen_t length, char* text, uint16_t* port);

struct KeepAlive {
  bool on = false;
  int idleSec = 0;  // 0 = the system's default, for all three
  int intervalSec = 0;
  int probes = 0;
};

// Options by number, one record after the other: stage (0 before bind, 1 after), level, name, bytes, value (whole words).
struct SocketOptions {
  const int32_t* words = nullptr;
  size_t count = 0;
};

// Sets those of one stage. 0 or the errno of the first that fails; EINVAL when the records are broken.
int setOptions(int fd, const SocketOptions& options, int32_t stage);

// Each returns 0 or the errno.
int setFlag(int fd, int level, int option, bool on);
int setNoDelay(int fd);
int setKeepAlive(int fd, const KeepAlive& keepAlive);
// close() will send RST and drop what is queued.
int setResetOnClose(int fd);

}  // namespace envoyts
