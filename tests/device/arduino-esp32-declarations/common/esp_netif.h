#pragma once
#include "esp_err.h"
#include "esp_idf_version.h"

typedef struct esp_netif_obj esp_netif_t;

extern "C" {
esp_err_t esp_netif_init(void);
bool esp_netif_is_netif_up(esp_netif_t* esp_netif);
esp_netif_t* esp_netif_next(esp_netif_t* esp_netif);  // not safe among tasks, says ESP-IDF 5
#if ESP_IDF_VERSION_MAJOR >= 5
esp_netif_t* esp_netif_get_default_netif(void);
#endif
}
