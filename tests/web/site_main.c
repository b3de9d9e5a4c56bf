// Serves the test site until its standard input ends; prints its address. Each t there is a tick. For tests in other languages.
// usage: web_site [--listen HOST:PORT] [--no-tick] [--no-history] [--token TOKEN] [--program F]
#include <unistd.h>

#include "tests/web/site.h"

int main(int argc, char **argv)
{
    static struct site site;
    struct site_options o = {0};
    char c;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc)
            o.listen = argv[++i];
        else if (strcmp(argv[i], "--token") == 0 && i + 1 < argc)
            o.token = argv[++i];
        else if (strcmp(argv[i], "--program") == 0 && i + 1 < argc)
            o.program = argv[++i];
        else if (strcmp(argv[i], "--no-tick") == 0)
            o.no_tick = true;
        else if (strcmp(argv[i], "--no-history") == 0)
            o.no_history = true;
        else
            return 64;
    }
    site_start(&site, &o);
    printf("%s\n", web_server_url(site.server));
    fflush(stdout);
    for (int64_t tick = 48214; read(STDIN_FILENO, &c, 1) > 0;) {
        view_box_beat(&site.box);
        if (c == 't')
            site_publish(&site, tick++);
    }
    site_stop(&site);
    return 0;
}
