#include "web/whatif.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/parse.h"

enum { ANSWER_MAX_BYTES = 8 << 20, LOOK_EVERY_MS = 200, MEMORY_MAX_MIB = 1024, TIME_MAX_MS = 900000, PARTS = 2, LOWEST_PRIORITY = 19 };

struct whatif {
    pthread_mutex_t lock;
    char program[512], state_path[512];
    const struct clock *clock;       // for when it began and ended
    struct clock real;
    pthread_t thread;
    bool has_thread, stop;           // stop: the child is to end
    struct whatif_view v;            // slices empty
    struct buf answers[PARTS];       // today, change
};

static const char *const state_names[] = {"none", "running", "done", "failed", "cancelled"};

const char *whatif_state_name(enum whatif_state s)
{
    return state_names[s];
}

struct whatif *whatif_new(const char *program, const char *state_path, const struct clock *clock)
{
    struct whatif *w = calloc(1, sizeof *w);
    assert(w);
    pthread_mutex_init(&w->lock, NULL);
    snprintf(w->program, sizeof w->program, "%s", program ? program : "");
    snprintf(w->state_path, sizeof w->state_path, "%s", state_path ? state_path : "");
    w->clock = clock;
    clock_init_real(&w->real);
    for (int i = 0; i < PARTS; i++)
        buf_init(&w->answers[i], ANSWER_MAX_BYTES);
    return w;
}

// ---- the child --------------------------------------------------------------------------------------------------------------

struct child {
    struct whatif *w;
    pid_t pid;
    int out, told;                 // pipes: what it prints, and its progress and errors
    struct buf *answer;
    char line[400];                // that it is saying
    size_t line_len;
    int part, parts;
    int64_t begun_ms;
    char why[200];                 // it was ended for this
};

// stdin nothing; both pipes close with the child. Signals as a program expects them.
static int spawn(struct child *c, const char *const *args)
{
    int out[2] = {-1, -1}, told[2] = {-1, -1};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    char *argv[WHATIF_ARGS + 1] = {c->w->program}, *env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LC_ALL=C.UTF-8"}, NULL};
    for (int i = 0; args[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(told, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return errno;
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, told[1], STDERR_FILENO);
    posix_spawnattr_init(&how);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
    int rc = posix_spawn(&c->pid, c->w->program, &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    close(out[1]);
    close(told[1]);
    c->out = out[0];
    c->told = told[0];
    if (rc == 0)
        setpriority(PRIO_PROCESS, (id_t)c->pid, LOWEST_PRIORITY);
    return rc;
}

static int64_t memory_mib(pid_t pid)
{
    char path[64], text[128] = "";
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    struct slice rest = {text, n > 0 ? (size_t)n : 0};
    int64_t pages = 0;
    slice_cut(&rest, ' ');
    return parse_i64(slice_cut(&rest, ' '), &pages) ? pages * sysconf(_SC_PAGESIZE) >> 20 : 0;
}

// "progress 420" on a line of its own; what else it says is kept for people, the last line of it.
static void hear_line(struct child *c)
{
    struct slice line = {c->line, c->line_len}, rest = line;
    struct whatif *w = c->w;
    int64_t permille;
    bool progress = slice_eq_str(slice_cut(&rest, ' '), "progress") && parse_i64(rest, &permille);
    pthread_mutex_lock(&w->lock);
    if (progress)
        w->v.progress_permille = (int32_t)((c->part * 1000 + permille) / c->parts);
    else if (line.len > 0)
        snprintf(w->v.error, sizeof w->v.error, "%.*s", (int)line.len, line.ptr);
    pthread_mutex_unlock(&w->lock);
    c->line_len = 0;
}

// Of a line that is too long the beginning is kept.
static void hear(struct child *c, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            hear_line(c);
        else if (c->line_len < sizeof c->line)
            c->line[c->line_len++] = bytes[i];
    }
}

// False when the pipe is at its end.
static bool take(struct child *c, int fd)
{
    char bytes[16384];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    if (fd == c->out)
        buf_add(c->answer, bytes, (size_t)n);
    else
        hear(c, bytes, (size_t)n);
    return true;
}

// Why it has to end now; "" it may go on.
static void judge(struct child *c)
{
    pthread_mutex_lock(&c->w->lock);
    bool stop = c->w->stop;
    pthread_mutex_unlock(&c->w->lock);
    if (stop)
        snprintf(c->why, sizeof c->why, "cancelled");
    else if (clock_mono_ms(&c->w->real) - c->begun_ms > TIME_MAX_MS)
        snprintf(c->why, sizeof c->why, "it took more than %d minutes -> fewer days or seeds", TIME_MAX_MS / 60000);
    else if (memory_mib(c->pid) > MEMORY_MAX_MIB)
        snprintf(c->why, sizeof c->why, "it took more than %d MiB -> fewer days", MEMORY_MAX_MIB);
    else if (buf_failed(c->answer))
        snprintf(c->why, sizeof c->why, "its answer is larger than %d MiB", ANSWER_MAX_BYTES >> 20);
}

static void attend(struct child *c)
{
    struct pollfd p[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->told, .events = POLLIN}};
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        poll(p, 2, LOOK_EVERY_MS);
        for (int i = 0; i < 2; i++)
            if (p[i].fd >= 0 && p[i].revents && !take(c, p[i].fd))
                p[i].fd = -1;
        judge(c);
        if (c->why[0]) {
            kill(c->pid, SIGKILL);
            break;
        }
    }
}

// One run of the program; false: it failed or was ended, and c->why or the view's error says why.
static bool run_child(struct child *c, const struct whatif_ask *ask, bool change)
{
    char room[WHATIF_ARGS][WHATIF_TEXT + 32];
    const char *args[WHATIF_ARGS];
    int status = 0;
    whatif_args(ask, change, c->w->state_path, room, args);
    c->begun_ms = clock_mono_ms(&c->w->real);
    int rc = spawn(c, args);
    if (rc != 0) {
        snprintf(c->why, sizeof c->why, "masu simulate cannot be started: %s", strerror(rc));
    } else {
        attend(c);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(c->out);
    close(c->told);
    return rc == 0 && !c->why[0] && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// ---- the runner -------------------------------------------------------------------------------------------------------------

static void *run(void *arg)
{
    struct whatif *w = arg;
    struct whatif_ask ask = w->v.ask;
    int parts = whatif_changes(&ask) ? PARTS : 1;
    bool done = true;
    char why[200] = "";
    struct buf answers[PARTS];
    for (int i = 0; i < PARTS; i++)
        buf_init(&answers[i], ANSWER_MAX_BYTES);
    for (int i = 0; done && i < parts; i++) {
        struct child c = {.w = w, .out = -1, .told = -1, .answer = &answers[i], .part = i, .parts = parts};
        done = run_child(&c, &ask, i == 1);
        snprintf(why, sizeof why, "%s", c.why);
    }
    pthread_mutex_lock(&w->lock);
    w->v.state = done ? WHATIF_DONE : w->stop ? WHATIF_CANCELLED : WHATIF_FAILED;
    w->v.finished_ms = clock_wall_ms(w->clock);
    if (done)
        w->v.error[0] = 0;
    else if (why[0])
        snprintf(w->v.error, sizeof w->v.error, "%s", why);
    else if (!w->v.error[0])
        snprintf(w->v.error, sizeof w->v.error, "masu simulate ended without a word");
    for (int i = 0; i < PARTS; i++) {
        buf_release(&w->answers[i]);
        w->answers[i] = answers[i];
        if (!done)
            buf_clear(&w->answers[i]);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int whatif_start(struct whatif *w, const struct whatif_ask *a, int64_t *ret_id, struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    if (w->v.state == WHATIF_RUNNING)
        rc = err_set(err, ERR_CONFLICT, "one runs already: wait for it, or cancel it");
    else if (!w->program[0] || !w->state_path[0])
        rc = err_set(err, ERR_INVALID, "there is no journal, and so no past: give masu run --state F");
    if (rc == 0) {
        if (w->has_thread)
            pthread_join(w->thread, NULL);
        w->v = (struct whatif_view){.id = w->v.id + 1, .state = WHATIF_RUNNING, .ask = *a, .started_ms = clock_wall_ms(w->clock)};
        w->stop = false;
        w->has_thread = pthread_create(&w->thread, NULL, run, w) == 0;
        *ret_id = w->v.id;
        if (!w->has_thread) {
            w->v.state = WHATIF_FAILED;
            rc = err_set(err, ERR_IO, "no thread for it");
        }
    }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

bool whatif_cancel(struct whatif *w)
{
    pthread_mutex_lock(&w->lock);
    bool running = w->v.state == WHATIF_RUNNING;
    w->stop |= running;
    pthread_mutex_unlock(&w->lock);
    return running;
}

void whatif_free(struct whatif *w)
{
    if (!w)
        return;
    whatif_cancel(w);
    if (w->has_thread)
        pthread_join(w->thread, NULL);
    for (int i = 0; i < PARTS; i++)
        buf_release(&w->answers[i]);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void whatif_look(struct whatif *w, struct arena *a, struct whatif_view *ret)
{
    pthread_mutex_lock(&w->lock);
    *ret = w->v;
    struct slice *parts[PARTS] = {&ret->today, &ret->change};
    for (int i = 0; i < PARTS && ret->state == WHATIF_DONE; i++)
        *parts[i] = (struct slice){arena_strndup(a, buf_str(&w->answers[i]), w->answers[i].len), w->answers[i].len};
    pthread_mutex_unlock(&w->lock);
}
