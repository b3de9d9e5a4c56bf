// The command line: one table of subcommands.
int main(void)
{
    return 64;
}
