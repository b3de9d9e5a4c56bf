// The body of a POST: what is taken must keep its promises (a known mode, one line of text, an end that is near), and what is
// refused must say why. The first byte chooses the route; the rest is also tried as an Authorization header.
#include <string.h>

#include "web/post.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS 1768485874000

static void check_line(const char *text, size_t size)
{
    assert(strlen(text) < size);
    for (const char *p = text; *p; p++)
        assert((unsigned char)*p >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool resume = data[0] & 1;
    struct slice body = {(const char *)data + 1, size - 1};
    struct inbox_switch s;
    struct err err = {0};
    if (web_switch_parse(body, resume, NOW_MS, &s, &err) == 0) {
        assert(s.resume == resume);
        assert(resume == (s.mode == CONTROL_RUN));
        assert(resume || s.why[0]);
        assert(s.until_ms == 0 || (s.until_ms > NOW_MS && s.until_ms <= NOW_MS + 90 * 86400000LL));
        check_line(s.cluster, sizeof s.cluster);
        check_line(s.who, sizeof s.who);
        check_line(s.why, sizeof s.why);
    } else {
        assert(err.kind == ERR_INVALID);
        assert(err.msg[0]);
    }
    char header[256];
    snprintf(header, sizeof header, "%.*s", (int)(body.len < 255 ? body.len : 255), body.ptr);
    assert(!web_token_equal(header, ""));
    assert(web_token_equal(header, "secret") == (strncasecmp(header, "Bearer ", 7) == 0 && slice_eq_str(slice_trim(slice_of(header + 7)), "secret")));
    return 0;
}
