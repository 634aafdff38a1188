#include "support/cutting_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace rowseal::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool SendAll(int socket, const char* bytes, ssize_t size) {
  while (size > 0) {
    const ssize_t sent = send(socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes += sent;
    size -= sent;
  }
  return true;
}

constexpr int kLookAgain = 5;  // ms

}  // namespace

CuttingProxy::CuttingProxy(int server_port)
    : server_port_(server_port), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the proxy finds no port");
  }
  port_ = ntohs(address.sin_port);
  listening_ = std::thread([this] { Listen(); });
}

CuttingProxy::~CuttingProxy() {
  ends_ = true;
  listening_.join();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  close(listener_);
}

void CuttingProxy::Listen() {
  while (!ends_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, kLookAgain) > 0) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const std::lock_guard lock(mutex_);
      threads_.emplace_back([this, client] { Carry(client); });
    }
  }
}

void CuttingProxy::Carry(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  bool open = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  bool lose = false;
  char bytes[65536];
  while (open && !ends_) {
    pollfd waiting[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (poll(waiting, 2, kLookAgain) <= 0 || hangs_) {
      if (hangs_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(kLookAgain));
      }
      continue;
    }
    if (waiting[0].revents != 0) {
      const ssize_t size = recv(client, bytes, sizeof(bytes), 0);
      lose = lose || lose_answer_.exchange(false);
      open = size > 0 && SendAll(server, bytes, size);
    }
    if (open && waiting[1].revents != 0) {
      const ssize_t size = recv(server, bytes, sizeof(bytes), 0);
      if (lose && size > 0) {
        ++cuts_;
        break;
      }
      open = size > 0 && SendAll(client, bytes, size);
    }
  }
  close(server);
  close(client);
}

}  // namespace rowseal::testing
