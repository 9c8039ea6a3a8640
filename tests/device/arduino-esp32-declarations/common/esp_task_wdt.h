#pragma once
#include "esp_err.h"

struct tskTaskControlBlock;
typedef tskTaskControlBlock* TaskHandle_t;

extern "C" {
esp_err_t esp_task_wdt_reset(void);
esp_err_t esp_task_wdt_status(TaskHandle_t task_handle);
}
