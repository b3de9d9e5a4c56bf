// What masu doctor sees of the machine: where the state is kept, where the page is served.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "scaler/daemon_ask.h"
#include "scaler/doctor.h"

enum { ROOM_MIN_MIB = 1024, ANSWER_MS = 2000 };

// ---- state ----------------------------------------------------------------------------------------------------------------

static const char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static void state_fails(struct doctor *d, const char *path, const char *what)
{
    doctor_add(d, (struct doctor_check){"state", DOCTOR_FAIL, path, what,
                                        "name a file in a folder that this user may write: without a journal masu removes nothing"});
}

// 0, or the errno of why no file can be made there. Asked by making one: permission bits do not tell of a read-only mount.
static int try_make(struct arena *a, const char *folder)
{
    char *path = arena_printf(a, "%s/masu-doctor.XXXXXX", folder);
    int fd = mkstemp(path);
    if (fd < 0)
        return errno;
    close(fd);
    unlink(path);
    return 0;
}

// 0, or the errno of why the file cannot be read and written.
static int try_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

void doctor_check_state(struct doctor *d, const char *path)
{
    struct stat st;
    struct statvfs room;
    int why = 0;
    if (path == NULL)
        return;
    const char *folder = folder_of(d->arena, path);
    bool there = stat(path, &st) == 0;
    if (!there && errno != ENOENT)
        state_fails(d, path, arena_printf(d->arena, "cannot be reached: %s", strerror(errno)));
    else if (there && !S_ISREG(st.st_mode))
        state_fails(d, path, "is not a file");
    else if (there && (why = try_open(path)) != 0)
        state_fails(d, path, arena_printf(d->arena, "cannot be read and written: %s", strerror(why)));
    else if ((why = try_make(d->arena, folder)) != 0)  // also where the file is there: its write-ahead log lies beside it
        state_fails(d, path, arena_printf(d->arena, "nothing can be made in %s: %s", folder, strerror(why)));
    else if (statvfs(folder, &room) == 0 && (room.f_bavail * (room.f_frsize >> 10)) >> 10 < ROOM_MIN_MIB)
        doctor_add(d, (struct doctor_check){"state", DOCTOR_WARN, path, arena_printf(d->arena, "%llu MiB are free in %s",
                                            (unsigned long long)(room.f_bavail * (room.f_frsize >> 10)) >> 10, folder),
                                            "give it 1 GiB: history is kept for 35 days"});
    else
        doctor_add(d, (struct doctor_check){"state", DOCTOR_OK, path, there ? "can be written" : "can be made", NULL});
}

// ---- listen ---------------------------------------------------------------------------------------------------------------

// 0, or the errno of why nobody can listen there.
static int try_bind(const struct option_address *listen)
{
    char port[16];
    int on = 1;
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    snprintf(port, sizeof port, "%d", listen->port);
    if (getaddrinfo(listen->host, port, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    int why = 0, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0)
        why = errno;
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return why;
}

void doctor_check_listen(struct doctor *d, const struct option_address *listen)
{
    struct err err = {0};
    bool v6 = strchr(listen->host, ':') != NULL;
    const char *target = arena_printf(d->arena, "%s%s%s:%d", v6 ? "[" : "", listen->host, v6 ? "]" : "", listen->port);
    int why = try_bind(listen);
    if (why == 0)
        doctor_add(d, (struct doctor_check){"listen", DOCTOR_OK, target, "is free for the page and metrics", NULL});
    else if (why == EADDRINUSE && daemon_ask(d->transport, &(struct daemon_question){.listen = listen, .path = "/healthz", .limit_ms = ANSWER_MS}, NULL, &err) == 0)
        doctor_add(d, (struct doctor_check){"listen", DOCTOR_WARN, target, "a masu answers there already", "run one on each set of clusters, or give another --listen"});
    else
        doctor_add(d, (struct doctor_check){"listen", DOCTOR_FAIL, target, arena_printf(d->arena, "cannot be listened on: %s", strerror(why)),
                                            why == EADDRINUSE ? "end what listens there, or give another --listen" : "give another --listen"});
}
