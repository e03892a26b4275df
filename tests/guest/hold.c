// SPDX-License-Identifier: GPL-2.0
/* Holding somebody at the worst moment: see tests/modules/pf_hold.c. */
#include <fcntl.h>
#include <string.h>

#include "pin.h"

#define HOLD	"/sys/module/pf_hold/parameters/hold"

static void state(char *text, size_t size)
{
	int fd = xopen(HOLD, O_RDONLY);
	ssize_t len = read(fd, text, size - 1);

	CHECK(len > 0, "%s", HOLD);
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	close(fd);
}

static bool is(const char *what)
{
	char text[16];

	state(text, sizeof(text));
	return !strcmp(text, what);
}

void hold_next(const char *how)
{
	write_file(HOLD, how);
}

void hold_wait(const char *what)
{
	WAIT_FOR(is("held"), what);
}

void hold_end(const char *what)
{
	write_file(HOLD, "go");
	WAIT_FOR(!is("held"), what);
	CHECK(is("none"), "%s: held for too long", what);
}
