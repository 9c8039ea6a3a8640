/* mbedtls as a device needs it that only verifies: 2.28 and 3.x.
 *
 * Nothing that makes keys, signatures or randomness, no TLS, no PSA. X.509 is there for the bare
 * calls that the verifier is measured against (bare.cpp); the verifier itself does without, and the
 * linker leaves it out there. */
#ifndef SECUREOTA_RV32_VERIFY_ONLY_H
#define SECUREOTA_RV32_VERIFY_ONLY_H

/* calloc() and free() are the C library's, which are heap.cpp's here: every byte is counted. */

#define MBEDTLS_MD_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA1_C /* names a certificate (ESSCertID), proves nothing */
#define MBEDTLS_MD5_C  /* the transport check of old hosts */

#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C /* ECDSA_C wants it */
#define MBEDTLS_OID_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C

#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15

#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_NO_INTERNAL_RNG /* 2.28: a public key is no secret to hide */
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECDSA_C

#define MBEDTLS_PKCS5_C /* passwords of uploads: PBKDF2 */

#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_REMOVE_INFO

#include <mbedtls/version.h>
#if MBEDTLS_VERSION_MAJOR < 3
#define MBEDTLS_CIPHER_C /* its PKCS #5 wants it */
#define MBEDTLS_AES_C
#include <mbedtls/check_config.h>
#endif

#endif
