#include "scaler/usage_server.h"

#include <string.h>

int usage_server(struct aws_clients *clients, const struct aws_env *env, const char *account, const struct policy_usage *p,
                 struct prometheus_server *ret, char secret[SECRET_MAX], struct err *err)
{
    bool bearer = *p->bearer_env || *p->bearer_file, password = *p->password_env || *p->password_file;
    *ret = (struct prometheus_server){.url = p->url, .ca_file = p->ca_file};
    if (bearer || password) {
        int rc = secret_read(env ? env : &aws_env_process, bearer ? p->bearer_env : p->password_env, bearer ? p->bearer_file : p->password_file, secret, err);
        if (rc)
            return rc;
    }
    if (bearer) {
        ret->bearer = secret;
    } else if (*p->user) {
        ret->user = p->user;
        ret->password = password ? secret : "";
    }
    return *p->sigv4_region ? aws_clients_get(clients, account, p->sigv4_region, &ret->aws, err) : 0;
}

void usage_query(struct buf *out, const char *text, const char *cluster, const char *label)
{
    const char *slash = strrchr(cluster, '/');
    while (*text) {
        if (strncmp(text, "$cluster", 8) == 0) {
            buf_add_str(out, slash ? slash + 1 : cluster);
            text += 8;
        } else if (strncmp(text, "$label", 6) == 0) {
            buf_add_str(out, label);
            text += 6;
        } else {
            buf_add_char(out, *text++);
        }
    }
}
