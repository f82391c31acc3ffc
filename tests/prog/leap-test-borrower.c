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
	bool alone;	/* needs nobody else to do something */
	bool shortage;	/* leapd may have nothing to lend afterwards */
} ways[] = {
	{ "noise-for-message", noise_for_message, true, false },
	{ "wrong-length", wrong_length, true, false },
	{ "wrong-type", wrong_type, true, false },
	{ "write-for-message", write_for_message, true, false },
	{ "unknown-slab", unknown_slab, true, false },
	{ "too-much-usage", too_much_usage, true, false },
	{ "put-twice", put_twice, true, false },
	{ "ask-for-too-much", ask_for_too_much, true, false },
	{ "ask-too-fast", ask_too_fast, true, false },
	{ "foreign-memory", foreign_memory, true, false },
	{ "old-data", old_data, true, false },
	{ "past-the-end", past_the_end, true, false },
	{ "after-put", after_put, true, false },
	{ "silent", silent, true, false },
	{ "sudden-death", sudden_death, true, false },
	{ "flood", flood, true, false },
	{ "jump-the-queue", jump_the_queue, true, false },
	{ "crowd", crowd, true, false },
	{ "come-back", come_back, true, false },
	{ "come-back-as-another", come_back_as_another, true, false },
	{ "hold", crowd, false, false },
	{ "steal", steal, false, false },
	{ "obey-recalls", obey_recalls, false, true },
	{ "ignore-recalls", ignore_recalls, false, true },
};

/* False if there is no such way. */
static bool do_wrong(void)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (!strcmp(how, ways[i].name)) {
			ways[i].fn();
			if (!ways[i].shortage)
				be_honest();
			return true;
		}
	if (!key_wrong_way(how) && !hello_wrong(how))
		return false;
	be_honest();
	return true;
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
	return 0;
}
