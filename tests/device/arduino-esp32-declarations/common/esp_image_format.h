#pragma once
#include "esp_err.h"

typedef struct {
  uint32_t offset;
  uint32_t size;
} esp_partition_pos_t;

// The members that nothing here reads are left out: the headers of the image and of its segments,
// and, in ESP-IDF 5, the secure version.
typedef struct {
  uint32_t start_addr;
  uint32_t image_len;
  uint8_t image_digest[32];
} esp_image_metadata_t;

extern "C" esp_err_t esp_image_get_metadata(const esp_partition_pos_t* part,
                                            esp_image_metadata_t* metadata);
