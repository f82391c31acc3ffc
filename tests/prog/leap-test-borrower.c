// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-borrower IP PORT HOW [KEYFILE]: a client of leapd that does it wrong,
 * in the way that HOW says. Exits with 0 if leapd reacted as it must, and still
 * serves an honest client. With a KEYFILE all clients know the key, as leapd must,
 * but for those that the ways of "key-names" are about.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "borrower.h"

/* For leapd to answer everything, on the slowest kernel. */
#define SECONDS		300

static const struct {
	const char *name;
	void (*fn)(void);
	bool alone;	/* needs no other machine */
} ways[] = {
	{ "noise-for-message", noise_for_message, true },
	{ "wrong-length", wrong_length, true },
	{ "wrong-type", wrong_type, true },
	{ "write-for-message", write_for_message, true },
	{ "unknown-slab", unknown_slab, true },
	{ "too-much-usage", too_much_usage, true },
	{ "put-twice", put_twice, true },
	{ "ask-for-too-much", ask_for_too_much, true },
	{ "ask-too-fast", ask_too_fast, true },
	{ "foreign-memory", foreign_memory, true },
	{ "old-data", old_data, true },
	{ "past-the-end", past_the_end, true },
	{ "after-put", after_put, true },
	{ "silent", silent, true },
	{ "sudden-death", sudden_death, true },
	{ "flood", flood, true },
	{ "jump-the-queue", jump_the_queue, true },
	{ "crowd", crowd, true },
	{ "hold", crowd, false },
	{ "steal", steal, false },
};

static bool do_wrong(void)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (!strcmp(how, ways[i].name)) {
			ways[i].fn();
			return true;
		}
	return key_wrong_way(how) || hello_wrong(how);
}

static void too_late(int signal)
{
	static const char text[] = "leap-test-borrower: leapd does not answer\n";

	(void)signal;
	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

/* False if there is no such list. */
static bool list_names(const char *list)
{
	if (!strcmp(list, "key-names")) {
		key_names();
		return true;
	}
	if (strcmp(list, "names"))
		return false;
	hello_names();
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i].alone)
			puts(ways[i].name);
	return true;
}

int main(int argc, char **argv)
{
	const char *why;

	if (argc == 2 && list_names(argv[1]))
		return 0;
	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: leap-test-borrower IP PORT HOW [KEYFILE] | names | key-names\n");
		return 2;
	}
	why = argc == 5 ? key_read(argv[4], &the_key) : NULL;
	if (why) {
		fprintf(stderr, "leap-test-borrower: %s: %s\n", argv[4], why);
		return 2;
	}
	ip = argv[1];
	port = argv[2];
	how = argv[3];
	signal(SIGALRM, too_late);
	alarm(SECONDS);
	if (!do_wrong()) {
		fprintf(stderr, "leap-test-borrower: no such way: %s\n", how);
		return 2;
	}
	be_honest();
	return 0;
}
