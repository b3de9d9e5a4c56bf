// What the handlers that ask the history share: its reader, its errors as answers, and the parameters of a query.
#pragma once

#include "state/query.h"
#include "web/routes.h"

// The reader, under its lock until web_history_release; NULL with an answer when there is none.
struct state_reader *web_ask(struct web_request *r, struct web_response *w);
void web_ask_error(struct web_response *w, const struct err *err);
bool web_ask_failed(int rc);  // the connection did; what was wrong with a query is no fault of it
// The journal's id of the cluster; 0 when the journal has none yet.
int web_ask_cluster(struct state_reader *reader, const struct view_cluster *c, struct arena *a, int64_t *ret, struct err *err);

// Query parameters: absent keeps the default; false and an answer when it does not parse.
bool web_param_time(const struct web_request *r, struct web_response *w, const char *key, int64_t *ms);
bool web_param_step(const struct web_request *r, struct web_response *w, int64_t *ms);
bool web_param_int(const struct web_request *r, struct web_response *w, const char *key, int64_t least, int64_t most, int64_t *ret);
bool web_param_flag(const struct web_request *r, struct web_response *w, const char *key, bool *ret);
