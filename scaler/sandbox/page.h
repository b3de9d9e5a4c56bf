// Paging: a cursor over the world's slots. A token is sealed, and good only for the request that it was given to: same operation,
// same region, same parameters. What ends between two pages is left out, what begins in a slot already passed is not seen.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct call;

struct page {
    int64_t next, limit;      // slot to go on at; items still allowed
    bool more;                // set by page_take when a further item exists
    bool hold_back;           // empty_pages: this page shows nothing
    uint64_t salt;
};
// token may be NULL. False: not a token of this call.
bool page_open(struct call *c, const char *token, int64_t limit, struct page *ret);
bool page_take(struct page *p, int64_t slot);       // whether this item belongs to the page
const char *page_token(struct call *c, const struct page *p);  // NULL: that was all
