// The subcommand alone, for tests that want a virtual AWS on a socket without the rest of masu.
#include "scaler/cmds.h"

int main(int argc, char **argv)
{
    return cmd_sandbox(argc, argv);
}
