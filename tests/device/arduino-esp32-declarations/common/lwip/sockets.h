// lwIP has the calls of BSD sockets, and fewer options than the systems that people have on desks:
// no TCP_MAXSEG, for one. select(), fcntl() and close() come from the C library.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint32_t socklen_t;
typedef uint8_t sa_family_t;
typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;

struct in_addr {
  in_addr_t s_addr;
};
struct sockaddr_in {
  uint8_t sin_len;
  sa_family_t sin_family;
  in_port_t sin_port;
  struct in_addr sin_addr;
  char sin_zero[8];
};
struct sockaddr {
  uint8_t sa_len;
  sa_family_t sa_family;
  char sa_data[14];
};

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define AF_UNSPEC 0
#define AF_INET 2
#define INADDR_ANY ((in_addr_t)0x00000000UL)
#define IPPROTO_TCP 6
#define SOL_SOCKET 0xfff
#define SO_REUSEADDR 0x0004
#define SO_RCVBUF 0x1002
#define SO_ERROR 0x1007
#define MSG_DONTWAIT 0x08
#define MSG_NOSIGNAL 0x20
#define TCP_NODELAY 0x01
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

extern "C" {
uint16_t lwip_htons(uint16_t value);
int accept(int s, struct sockaddr* addr, socklen_t* addrlen);
int bind(int s, const struct sockaddr* name, socklen_t namelen);
int shutdown(int s, int how);
int getsockname(int s, struct sockaddr* name, socklen_t* namelen);
int getsockopt(int s, int level, int optname, void* opval, socklen_t* optlen);
int setsockopt(int s, int level, int optname, const void* opval, socklen_t optlen);
int connect(int s, const struct sockaddr* name, socklen_t namelen);
int listen(int s, int backlog);
ssize_t recv(int s, void* mem, size_t len, int flags);
ssize_t recvfrom(int s, void* mem, size_t len, int flags, struct sockaddr* from,
                 socklen_t* fromlen);
ssize_t send(int s, const void* dataptr, size_t size, int flags);
ssize_t sendto(int s, const void* dataptr, size_t size, int flags, const struct sockaddr* to,
               socklen_t tolen);
int socket(int domain, int type, int protocol);
}

// Macros, as there: `::htons` would not compile.
#define htons(x) lwip_htons(x)
#define ntohs(x) lwip_htons(x)
