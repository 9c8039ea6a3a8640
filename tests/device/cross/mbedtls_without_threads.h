// What a host's configuration of mbedtls asks of an operating system that a chip has not.
#undef MBEDTLS_THREADING_C
#undef MBEDTLS_THREADING_PTHREAD
