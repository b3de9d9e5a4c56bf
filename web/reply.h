// Turns a web_response into a libmicrohttpd answer: content type, ETag and 304, gzip, the security headers. Private to web/.
#pragma once

#include <microhttpd.h>

#include "web/routes.h"

struct guest *web_guest(struct MHD_Connection *c);                  // whom the connection belongs to (web/guests.h)
// Queues the answer and frees the response's body. now_ms goes into the header Masu-Now.
enum MHD_Result web_reply(struct MHD_Connection *c, struct web_response *w, int64_t now_ms);
void web_add_security_headers(struct MHD_Response *m);
bool web_accepts_gzip(const char *accept_encoding);                 // NULL: no
bool web_etag_matches(const char *if_none_match, const char *etag); // NULL: no; weak comparison, list and *
