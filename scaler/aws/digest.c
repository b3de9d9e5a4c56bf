#include "scaler/aws/digest.h"

#include <openssl/evp.h>

void digest_md5_hex(struct slice text, char ret[33])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int done = EVP_Digest(text.ptr, text.len, sum, &n, EVP_md5(), NULL);
    assert(done == 1);
    assert(n == 16);
    for (unsigned i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}
