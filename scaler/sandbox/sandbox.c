#include "scaler/sandbox/sandbox.h"
