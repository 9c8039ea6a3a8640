// lwIP has the calls of BSD sockets: those of this machine declare them.
#pragma once
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
