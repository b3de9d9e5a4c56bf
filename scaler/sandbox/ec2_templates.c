// Launch templates: found by id or name and version, and told of.
#include "scaler/sandbox/ec2.h"

#include <string.h>

#include "base/parse.h"

static bool fail(struct call *c, const char *code, const char *what, const char *value)
{
    call_fail(c, 400, code, "%s '%.80s'", what, value);
    return false;
}

static bool named(const struct world_template *x, const char *id, const char *name)
{
    return strcmp(id ? id : name, id ? x->id : x->name) == 0;
}

// The newest version where none, $Default or $Latest is asked for.
bool play_ec2_find_template(struct call *c, const char *id, const char *name, const char *version, int *ret)
{
    bool known = false;
    int64_t number = 0;
    *ret = -1;
    bool newest = version == NULL || strcmp(version, "$Default") == 0 || strcmp(version, "$Latest") == 0;
    if (!newest && !parse_i64(slice_of(version), &number))
        return fail(c, "InvalidLaunchTemplateVersion.Malformed", "Malformed version", version);
    for (int t = 0; t < c->view.template_count; t++) {
        const struct world_template *x = &c->view.templates[t];
        if (!named(x, id, name))
            continue;
        known = true;
        if (newest ? *ret < 0 || x->version > c->view.templates[*ret].version : x->version == number)
            *ret = t;
    }
    if (!known)
        return fail(c, id ? "InvalidLaunchTemplateId.NotFound" : "InvalidLaunchTemplateName.NotFoundException", "The specified launch template does not exist:",
                    id ? id : name);
    return *ret >= 0 || fail(c, "InvalidLaunchTemplateId.VersionNotFound", "Could not find launch template version", version);
}

static bool is_newest(const struct call *c, int template)
{
    for (int t = 0; t < c->view.template_count; t++)
        if (strcmp(c->view.templates[t].id, c->view.templates[template].id) == 0 && c->view.templates[t].version > c->view.templates[template].version)
            return false;
    return true;
}

static void write_version(struct call *c, int template)
{
    const struct world_template *x = &c->view.templates[template];
    char at[32];
    xo_open(c->out, "item");
    xo_text(c->out, "launchTemplateId", x->id);
    xo_text(c->out, "launchTemplateName", x->name[0] ? x->name : x->id);
    xo_int(c->out, "versionNumber", x->version);
    xo_bool(c->out, "defaultVersion", is_newest(c, template));
    xo_text(c->out, "createTime", format_iso8601(c->view.start_ms, true, at));
    xo_open(c->out, "launchTemplateData");
    xo_text(c->out, "imageId", x->ami);
    xo_open(c->out, "iamInstanceProfile");
    xo_text(c->out, "name", "ecsInstanceRole");
    xo_close(c->out, "iamInstanceProfile");
    xo_close(c->out, "launchTemplateData");
    xo_close(c->out, "item");
}

// Those asked for by number or word; without any, all of the template. Of all templates: not played.
void play_ec2_describe_launch_template_versions(struct call *c)
{
    const char *id = form_str(&c->form, "LaunchTemplateId", c->arena), *name = form_str(&c->form, "LaunchTemplateName", c->arena);
    size_t count = 0;
    struct slice *asked = form_list(&c->form, "LaunchTemplateVersion", c->arena, &count);
    struct page page;
    int any;
    if ((id == NULL) == (name == NULL)) {
        call_missing(c, "LaunchTemplateId");
        return;
    }
    if (!play_ec2_page(c, 200, 1, 200, &page) || !play_ec2_find_template(c, id, name, NULL, &any))
        return;
    int *found = arena_array(c->arena, int, count + 1);
    for (size_t k = 0; k < count; k++)
        if (!play_ec2_find_template(c, id, name, arena_strndup(c->arena, asked[k].ptr, asked[k].len), &found[k]))
            return;
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "launchTemplateVersionSet");
    for (int t = 0; t < c->view.template_count; t++) {
        bool wanted = count == 0;
        for (size_t k = 0; k < count; k++)
            wanted = wanted || found[k] == t;
        if (wanted && named(&c->view.templates[t], id, name) && page_take(&page, t))
            write_version(c, t);
    }
    xo_close(c->out, "launchTemplateVersionSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}
