/* The peer that timestamps are measured against: libcrypto's own TS API, in one process.
 *
 *     libcrypto_ts FOLDER
 *
 * FOLDER holds key.pem, signer.pem and request.tsq. For each line on stdin, a number of tokens, it
 * makes that many and prints how many nanoseconds they took; the last one is left as reply.tsr, to
 * be verified. Each token is the whole work of a server: parse the request, make the response, write
 * it down as DER.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#define POLICY "1.3.6.1.4.1.99999.1"
#define MAX_REQUEST 4096

static void require(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "libcrypto_ts: %s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static FILE* in_folder(const char* folder, const char* name, const char* mode) {
  char path[4096];
  FILE* file;
  require(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path, "path too long");
  file = fopen(path, mode);
  require(file != NULL, path);
  return file;
}

/* 63 random bits, as ours are. */
static ASN1_INTEGER* random_serial(TS_RESP_CTX* context, void* data) {
  ASN1_INTEGER* serial = ASN1_INTEGER_new();
  uint64_t number = 0;
  (void)context;
  (void)data;
  require(RAND_bytes((unsigned char*)&number, sizeof number) == 1, "no random numbers");
  require(serial != NULL && ASN1_INTEGER_set_uint64(serial, number >> 1 | 1) == 1, "serial");
  return serial;
}

static TS_RESP_CTX* make_context(const char* folder) {
  TS_RESP_CTX* context = TS_RESP_CTX_new();
  ASN1_OBJECT* policy = OBJ_txt2obj(POLICY, 1);
  FILE* file = in_folder(folder, "key.pem", "r");
  EVP_PKEY* key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  X509* signer;
  fclose(file);
  file = in_folder(folder, "signer.pem", "r");
  signer = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  require(context && policy && key && signer, "key or certificate");
  require(TS_RESP_CTX_set_signer_cert(context, signer), "signer_cert");
  require(TS_RESP_CTX_set_signer_key(context, key), "signer_key");
  require(TS_RESP_CTX_set_def_policy(context, policy), "def_policy");
  require(TS_RESP_CTX_add_md(context, EVP_sha256()), "md");
  require(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()), "signer_digest");
  require(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()), "ess_cert_id_digest");
  TS_RESP_CTX_set_serial_cb(context, random_serial, NULL);
  X509_free(signer);
  EVP_PKEY_free(key);
  ASN1_OBJECT_free(policy);
  return context;
}

/* Returns the size of the reply; the caller frees *reply. */
static int make_token(TS_RESP_CTX* context, const unsigned char* request, int request_size,
                      unsigned char** reply) {
  BIO* bio = BIO_new_mem_buf(request, request_size);
  TS_RESP* response = TS_RESP_create_response(context, bio);
  int size;
  require(response != NULL, "no response");
  *reply = NULL;
  size = i2d_TS_RESP(response, reply);
  require(size > 0, "no encoding");
  TS_RESP_free(response);
  BIO_free(bio);
  return size;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock");
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int main(int argc, char** argv) {
  unsigned char request[MAX_REQUEST];
  size_t request_size;
  TS_RESP_CTX* context;
  FILE* file;
  char line[32];
  require(argc == 2, "usage: libcrypto_ts FOLDER");
  context = make_context(argv[1]);
  file = in_folder(argv[1], "request.tsq", "rb");
  request_size = fread(request, 1, sizeof request, file);
  fclose(file);
  while (fgets(line, sizeof line, stdin)) {
    long count = strtol(line, NULL, 10);
    unsigned char* reply = NULL;
    int size = 0;
    int64_t start = nanoseconds();
    for (long i = 0; i < count; i++) {
      OPENSSL_free(reply);
      size = make_token(context, request, (int)request_size, &reply);
    }
    printf("%" PRId64 "\n", nanoseconds() - start);
    fflush(stdout);
    file = in_folder(argv[1], "reply.tsr", "wb");
    require(fwrite(reply, 1, (size_t)size, file) == (size_t)size, "reply.tsr");
    fclose(file);
    OPENSSL_free(reply);
  }
  TS_RESP_CTX_free(context);
  return 0;
}
