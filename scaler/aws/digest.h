// Digests that no signature needs: SQS tells the MD5 of a message's body.
#pragma once

#include "base/buf.h"

void digest_md5_hex(struct slice text, char ret[33]);
