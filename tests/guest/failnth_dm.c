// SPDX-License-Identifier: GPL-2.0
/* pf failnth: a device-mapper device, one ioctl at a time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "failnth.h"

#define ROOM	1024

struct request {
	struct dm_ioctl head;
	char data[ROOM];
};

static struct request request_for(const char *name)
{
	struct request r = {
		.head = {
			.version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(r),
			.data_start = offsetof(struct request, data),
		},
	};

	snprintf(r.head.name, sizeof(r.head.name), "%s", name);
	return r;
}

static int send(long n, unsigned long cmd, struct request *r, bool *fired)
{
	int fd = xopen("/dev/mapper/control", O_RDWR);
	int err = nth_ioctl(n, fd, cmd, r, fired);

	close(fd);
	return err;
}

/* A command of pf failnth has no blanks inside of its words. */
static void put_words(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	while ((to = strchr(to, ',')))
		*to = ' ';
}

/* NAME SECTORS TARGET PARAMETER,... */
int nth_dm_load(long n, char **arg, bool *fired)
{
	struct request r = request_for(arg[0]);
	struct dm_target_spec *spec = (void *)r.data;

	r.head.target_count = 1;
	spec->length = strtoull(arg[1], NULL, 0);
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", arg[2]);
	put_words((char *)(spec + 1), sizeof(r.data) - sizeof(*spec), arg[3]);
	return send(n, DM_TABLE_LOAD, &r, fired);
}

/* NAME: of the table that is loaded, but not in use */
int nth_dm_clear(long n, char **arg, bool *fired)
{
	struct request r = request_for(arg[0]);

	return send(n, DM_TABLE_CLEAR, &r, fired);
}

/* NAME: takes the table that is loaded into use */
int nth_dm_resume(long n, char **arg, bool *fired)
{
	struct request r = request_for(arg[0]);

	return send(n, DM_DEV_SUSPEND, &r, fired);
}

/* NAME WORD,... */
int nth_dm_message(long n, char **arg, bool *fired)
{
	struct request r = request_for(arg[0]);
	struct dm_target_msg *msg = (void *)r.data;

	put_words(msg->message, sizeof(r.data) - sizeof(*msg), arg[1]);
	return send(n, DM_TARGET_MSG, &r, fired);
}
