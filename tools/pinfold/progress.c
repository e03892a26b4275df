// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "progress.h"
#include "util.h"

static sig_atomic_t interrupted_flag;

static void on_interrupt(int signal)
{
	(void)signal;
	__atomic_store_n(&interrupted_flag, 1, __ATOMIC_RELAXED);
}

bool interrupted(void)
{
	return __atomic_load_n(&interrupted_flag, __ATOMIC_RELAXED);
}

/* The first ^C ends us between two steps, a second one at once. */
void catch_interrupt(void)
{
	struct sigaction action = {
		.sa_handler = on_interrupt,
		.sa_flags = SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
}

/* On a terminal, in one line that is written over and over. */
void progress_show(const struct progress *progress)
{
	char done[64], total[64];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%s: %s of %s \033[K", progress->thing,
		format_size(progress->done, done, sizeof(done)),
		format_size(progress->total, total, sizeof(total)));
}

/* What follows is no progress. */
void progress_end(const struct progress *progress)
{
	if (isatty(STDERR_FILENO) && progress->done)
		fputc('\n', stderr);
}
