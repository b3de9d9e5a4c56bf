// The page's files, made into arrays at build time by web/embed.py from web/assets/ and web/openapi.json.
#pragma once

#include <stddef.h>

struct web_asset {
    const char *path;               // "index.html", "app.js", "openapi.json"
    const char *content_type;
    const char *etag;               // with quotes
    const unsigned char *data;
    size_t len;
    const unsigned char *gzip;      // NULL where it would not be smaller
    size_t gzip_len;
};

extern const char web_style_source[];  // "'sha256-…'": how a Content-Security-Policy names the style in index.html
extern const struct web_asset web_assets[];
extern const size_t web_asset_count;
