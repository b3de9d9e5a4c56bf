// Roles by STS: AssumeRole, signed by the caller, and AssumeRoleWithWebIdentity, which nobody signs.
#include "base/parse.h"
#include "scaler/aws/aws_job.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/xml.h"

#define TOKEN_BYTES_MAX 20000u
#define BODY_BYTES_MAX 131072u

const char *credentials_role_action(const struct credentials_role *r)
{
    return r->token_file ? "AssumeRoleWithWebIdentity" : "AssumeRole";
}

static int read_identity(const char *path, struct arena *a, const char **ret, struct err *err)
{
    struct slice text;
    int rc = credentials_read_file(path, TOKEN_BYTES_MAX, a, &text, err);
    if (rc)
        return err_wrap(err, "web identity token file");
    text = slice_trim(text);
    if (text.len == 0 || memchr(text.ptr, '\0', text.len) || memchr(text.ptr, '\n', text.len))
        return err_set(err, ERR_AUTH, "web identity token file %s is empty or holds more than a token", path);
    *ret = arena_strndup(a, text.ptr, text.len);
    return 0;
}

int credentials_role_body(const struct credentials_role *r, struct arena *a, struct slice *ret, struct err *err)
{
    const char *token = NULL;
    int rc = r->token_file ? read_identity(r->token_file, a, &token, err) : 0;
    if (rc)
        return rc;
    struct buf b;
    buf_init(&b, BODY_BYTES_MAX);
    aws_form_begin(&b, credentials_role_action(r), "2011-06-15");
    aws_form_add(&b, "RoleArn", r->arn);
    aws_form_add(&b, "RoleSessionName", r->session_name);
    if (token)
        aws_form_add(&b, "WebIdentityToken", token);
    if (r->external_id)
        aws_form_add(&b, "ExternalId", r->external_id);
    if (r->duration_s)
        aws_form_add_int(&b, "DurationSeconds", r->duration_s);
    if (buf_failed(&b))
        rc = err_set(err, ERR_LIMIT, "%s: the request is too long", credentials_role_action(r));
    else
        *ret = (struct slice){arena_strndup(a, b.data, b.len), b.len};
    buf_release(&b);
    return rc;
}

int credentials_role_decode(const struct credentials_role *r, struct slice body, struct arena *a, struct credentials_keys *ret,
                            struct err *err)
{
    const struct xml_node *root = NULL;
    struct err ignored;  // expat's text has no content, but its place in a secret is nobody's business either
    if (xml_parse(body, a, &root, &ignored))
        return err_set(err, ERR_CORRUPT, "the answer is not XML");
    const struct xml_node *c = xml_at(root, arena_printf(a, "%sResult/Credentials", credentials_role_action(r)));
    struct credentials_keys k = {xml_text_in(c, "AccessKeyId", a), xml_text_in(c, "SecretAccessKey", a),
                                 xml_text_in(c, "SessionToken", a), xml_time_ms(c, "Expiration")};
    if (!*k.access_key_id || !*k.secret || !*k.session_token || !k.expires_ms)
        return err_set(err, ERR_CORRUPT, "the answer lacks a key, the token or a good Expiration");
    *ret = k;
    return 0;
}
