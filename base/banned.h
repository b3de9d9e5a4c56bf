// Included before every file by the build: functions that this project does not use, and what to use in their place.
//
// strtol, atoi and friends parse loosely (base/parse.h); sprintf and strcpy have no limit (base/buf.h, snprintf); strtok, gmtime
// and localtime keep hidden state; time and clock_gettime are read in base/clock.c alone. After git's banned.h.
// (rand is left to tests/tidy.py: OpenSSL's headers name a parameter so.)
#pragma once

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison sprintf vsprintf strcpy strcat strncpy strtok atoi atol atoll atof strtol strtoul strtoll strtoull gets
#pragma GCC poison gmtime localtime asctime ctime srand random srandom drand48
