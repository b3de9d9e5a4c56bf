// Signals of the process, on to the one loop that wants them.
#include <signal.h>

#include "base/check.h"
#include "scaler/loop.h"

static struct loop *signalled;

static void on_signal(int number)
{
    struct loop *l = signalled;
    if (l == NULL)
        return;
    if (number == SIGHUP)
        loop_reload(l);
    else if (number == SIGUSR1)
        loop_pause(l);
    else if (number == SIGUSR2)
        loop_resume(l);
    else
        loop_stop(l);
}

void loop_signals(struct loop *l)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = l ? on_signal : SIG_DFL};
    signalled = l;
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
        sigaction(NUMBERS[i], &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);  // a file at its limit is a full disk: an error of the write, no end
}
