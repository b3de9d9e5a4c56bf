#include "scaler/aws/xml.h"

#include <expat.h>

#include "base/parse.h"

#define TEXT_MAX (16u << 20)

struct parse {
    struct arena *arena;
    XML_Parser expat;
    struct xml_node *root;
    struct xml_node *stack[XML_DEPTH_MAX], *last[XML_DEPTH_MAX];  // open nodes and the last child of each
    size_t depth, nodes;
    struct buf text;
    enum err_kind refused;
    const char *why;
};

static void refuse(struct parse *p, enum err_kind kind, const char *why)
{
    if (p->refused)
        return;
    p->refused = kind;
    p->why = why;
    XML_StopParser(p->expat, XML_FALSE);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct parse *p = arg;
    if (p->refused)
        return;
    if (p->depth == XML_DEPTH_MAX) {
        refuse(p, ERR_LIMIT, "nested too deeply");
        return;
    }
    if (++p->nodes > XML_NODES_MAX) {
        refuse(p, ERR_LIMIT, "too many elements");
        return;
    }
    const char *colon = strrchr(name, ':');
    struct xml_node *n = arena_new(p->arena, struct xml_node);
    n->name = arena_strdup(p->arena, colon ? colon + 1 : name);
    n->text = "";
    if (p->depth == 0) {
        p->root = n;
    } else if (p->last[p->depth - 1]) {
        p->last[p->depth - 1]->next = n;
    } else {
        p->stack[p->depth - 1]->child = n;
    }
    if (p->depth)
        p->last[p->depth - 1] = n;
    p->stack[p->depth] = n;
    p->last[p->depth++] = NULL;
    buf_clear(&p->text);
}

static void on_end(void *arg, const XML_Char *name)
{
    (void)name;
    struct parse *p = arg;
    if (p->refused || p->depth == 0)
        return;
    struct xml_node *n = p->stack[--p->depth];
    if (!n->child && p->text.len)
        n->text = arena_strndup(p->arena, p->text.data, p->text.len);
    buf_clear(&p->text);
}

static void on_text(void *arg, const XML_Char *s, int len)
{
    struct parse *p = arg;
    buf_add(&p->text, s, (size_t)len);
    if (buf_failed(&p->text))
        refuse(p, ERR_LIMIT, "text too long");
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(arg, ERR_CORRUPT, "has a document type");
}

int xml_parse(struct slice text, struct arena *a, const struct xml_node **ret, struct err *err)
{
    if (text.len > INT32_MAX)
        return err_set(err, ERR_LIMIT, "XML too long");
    struct parse p = {.arena = a, .expat = XML_ParserCreate("UTF-8")};
    if (!p.expat)
        return err_set(err, ERR_NOMEM, "no memory for an XML parser");
    buf_init(&p.text, TEXT_MAX);
    XML_SetUserData(p.expat, &p);
    XML_SetElementHandler(p.expat, on_start, on_end);
    XML_SetCharacterDataHandler(p.expat, on_text);
    XML_SetStartDoctypeDeclHandler(p.expat, on_doctype);
    enum XML_Status status = XML_Parse(p.expat, text.len ? text.ptr : "", (int)text.len, 1);
    int rc = 0;
    if (p.refused)
        rc = err_set(err, p.refused, "XML %s", p.why);
    else if (status != XML_STATUS_OK)
        rc = err_set(err, ERR_CORRUPT, "not XML: %s at line %lu", XML_ErrorString(XML_GetErrorCode(p.expat)),
                     (unsigned long)XML_GetCurrentLineNumber(p.expat));
    XML_ParserFree(p.expat);
    buf_release(&p.text);
    if (rc == 0)
        *ret = p.root;
    return rc;
}

const struct xml_node *xml_at(const struct xml_node *n, const char *path)
{
    struct slice rest = slice_of(path);
    while (n && rest.len) {
        struct slice name = slice_cut(&rest, '/');
        const struct xml_node *c = n->child;
        while (c && !slice_eq_str(name, c->name))
            c = c->next;
        n = c;
    }
    return n;
}

const char *xml_text(const struct xml_node *n, const char *path)
{
    n = xml_at(n, path);
    return n ? n->text : "";
}

const char *xml_text_in(const struct xml_node *n, const char *path, struct arena *a)
{
    const char *text = xml_text(n, path);
    return *text ? arena_strdup(a, text) : "";
}

int64_t xml_int(const struct xml_node *n, const char *path, int64_t fallback)
{
    int64_t v = fallback;
    return parse_i64(slice_trim(slice_of(xml_text(n, path))), &v) ? v : fallback;
}

int64_t xml_milli(const struct xml_node *n, const char *path, int64_t fallback)
{
    double v;
    if (!parse_double(slice_trim(slice_of(xml_text(n, path))), &v) || v > 9e12 || v < -9e12)
        return fallback;
    return (int64_t)(v * 1000 + (v < 0 ? -0.5 : 0.5));
}

int64_t xml_time_ms(const struct xml_node *n, const char *path)
{
    int64_t ms = 0;
    return parse_iso8601_ms(slice_trim(slice_of(xml_text(n, path))), &ms) ? ms : 0;
}

bool xml_flag(const struct xml_node *n, const char *path, bool fallback)
{
    const char *text = xml_text(n, path);
    return strcmp(text, "true") == 0 ? true : strcmp(text, "false") == 0 ? false : fallback;
}

const struct xml_node *xml_first(const struct xml_node *n, const char *path, const char *item)
{
    return xml_at(xml_at(n, path), item);
}

const struct xml_node *xml_next(const struct xml_node *item)
{
    const struct xml_node *n = item->next;
    while (n && strcmp(n->name, item->name) != 0)
        n = n->next;
    return n;
}

size_t xml_count(const struct xml_node *first)
{
    size_t n = 0;
    for (const struct xml_node *i = first; i; i = xml_next(i))
        n++;
    return n;
}
