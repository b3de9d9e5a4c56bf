#include "scaler/sandbox/auth_header.h"

#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

static bool is_hex(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    return true;
}

static int parse_credential(struct slice value, struct auth_header *ret, struct err *err)
{
    // A key id holds no '/', but the scope is counted from the end all the same, as AWS does.
    struct slice part[5];
    int n = 0;
    struct slice rest = value;
    while (rest.len > 0 && n < 5)
        part[n++] = slice_cut(&rest, '/');
    if (n != 5 || rest.len > 0 || part[0].len == 0 || part[2].len == 0 || part[3].len == 0)
        return err_set(err, ERR_INVALID, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term");
    if (!slice_eq_str(part[4], "aws4_request"))
        return err_set(err, ERR_INVALID, "Credential should be scoped with a valid terminator: 'aws4_request'");
    if (part[1].len != 8)
        return err_set(err, ERR_INVALID, "Credential should be scoped with a date of 8 digits");
    ret->key_id = part[0];
    ret->date = part[1];
    ret->region = part[2];
    ret->service = part[3];
    return 0;
}

int auth_header_parse(struct slice value, struct auth_header *ret, struct err *err)
{
    struct auth_header h = {0};
    bool has_credential = false, has_headers = false, has_signature = false;
    value = slice_trim(value);
    struct slice algorithm = slice_cut(&value, ' ');
    if (!slice_eq_str(algorithm, ALGORITHM))
        return err_set(err, ERR_INVALID, "Authorization header requires the algorithm " ALGORITHM);
    while (value.len > 0) {
        struct slice item = slice_trim(slice_cut(&value, ','));
        struct slice name = slice_trim(slice_cut(&item, '='));
        item = slice_trim(item);
        if (slice_eq_str(name, "Credential") && !has_credential) {
            int r = parse_credential(item, &h, err);
            if (r != 0)
                return r;
            has_credential = true;
        } else if (slice_eq_str(name, "SignedHeaders") && !has_headers) {
            h.signed_headers = item;
            has_headers = item.len > 0;
        } else if (slice_eq_str(name, "Signature") && !has_signature) {
            h.signature = item;
            has_signature = item.len == 64 && is_hex(item);
        } else {
            return err_set(err, ERR_INVALID, "Authorization header has an unexpected part");
        }
    }
    if (!has_credential)
        return err_set(err, ERR_INVALID, "Authorization header requires 'Credential' parameter.");
    if (!has_signature)
        return err_set(err, ERR_INVALID, "Authorization header requires 'Signature' parameter.");
    if (!has_headers)
        return err_set(err, ERR_INVALID, "Authorization header requires 'SignedHeaders' parameter.");
    *ret = h;
    return 0;
}
