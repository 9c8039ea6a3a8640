#pragma once

class IPAddress {
 public:
  IPAddress();
};
