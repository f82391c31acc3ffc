// SPDX-License-Identifier: GPL-2.0
/* Clients that leave, stay or ask as they should not, and what others see of it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "borrower.h"

/* Longer than leapd waits before it looks whether somebody is still there. */
#define SILENCE		32

/* For this many tenths of a second there may be no answer. */
#define QUIET_MAX	300

/* More than leapd lets one machine have. */
#define CROWD		64

/* Saying nothing is no offence, but nobody else waits for it. */
void silent(void)
{
	struct borrower *mute = make_borrower(), *b = arrive();
	time_t end = time(NULL) + SILENCE;

	if (!open_control(mute))
		die("refused: %s", mute->refusal.text);
	while (time(NULL) < end)
		be_honest();
	capacity(mute);
	capacity(b);
	vanish(mute);
	vanish(b);
}

/* What a child says to its parent. */
struct word {
	uint64_t capacity;
	unsigned int answers;
};

static pid_t fork_with(struct word **word)
{
	pid_t pid;

	*word = mmap(NULL, sizeof(**word), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*word == MAP_FAILED)
		die("out of memory");
	fflush(stdout);
	pid = fork();
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Dies with requests of each kind under way. */
static _Noreturn void die_suddenly(struct word *word, int round)
{
	struct borrower *b = arrive();
	struct lease lease;

	word->capacity = b->welcome.capacity;
	lease = borrow(b);
	for (int i = 0; round % 2 && i < DEPTH / 2; i++)
		rdma_post_write(b->data, NULL, b->bytes, CHUNK, b->mr,
				IBV_SEND_SIGNALED, lease.addr, lease.rkey);
	for (int i = 0; i < round; i++)
		post(b, LEAP_MSG_SLAB_GET, 0, 0);
	raise(SIGKILL);
	exit(1);
}

/* No RDMA in the parent before the fork, which would share it. */
void sudden_death(void)
{
	uint64_t most = 0;
	struct borrower *b;

	for (int round = 0; round < 8; round++) {
		struct word *word;
		pid_t pid = fork_with(&word);
		int status;

		if (!pid)
			die_suddenly(word, round);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			die("the child did not die as it should");
		if (word->capacity > most)
			most = word->capacity;
	}
	b = arrive();
	while (capacity(b) < most)
		usleep(100000);
	printf("all %llu MiB can be lent again\n", (unsigned long long)most >> 20);
	leave(b);
}

static _Noreturn void ask_for_ever(struct word *word)
{
	struct borrower *b = arrive();

	for (int i = 0; i < LEAP_CTRL_DEPTH; i++)
		post(b, LEAP_MSG_PING, 0, 0);
	for (;;) {
		receive(b);
		if (sent(b->control))
			die("a question was not taken");
		post(b, LEAP_MSG_PING, 0, 0);
		__atomic_add_fetch(&word->answers, 1, __ATOMIC_RELAXED);
	}
}

static void wait_for_answers(const struct word *word, unsigned int nr)
{
	unsigned int now, last = 0, quiet = 0;

	while ((now = __atomic_load_n(&word->answers, __ATOMIC_RELAXED)) < nr) {
		quiet = now == last ? quiet + 1 : 0;
		if (quiet > QUIET_MAX)
			die("questions are not answered any more, after %u", now);
		last = now;
		usleep(100000);
	}
}

/* Somebody who never lets leapd run out of questions. */
void flood(void)
{
	struct word *word;
	pid_t pid = fork_with(&word);

	if (!pid)
		ask_for_ever(word);
	wait_for_answers(word, 100);
	for (int i = 0; i < 3; i++)
		be_honest();
	wait_for_answers(word, word->answers + 100);
	printf("%u other questions were answered meanwhile\n", word->answers);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Who asks for one slab need not wait for all of another's. */
void jump_the_queue(void)
{
	struct borrower *hog = arrive(), *b = arrive();
	struct ibv_wc wc[LEAP_CTRL_DEPTH];
	int nr;

	for (int i = 0; i < LEAP_CTRL_DEPTH - 1; i++)
		post(hog, LEAP_MSG_SLAB_GET, 0, 0);
	borrow(b);
	nr = ibv_poll_cq(hog->control->recv_cq, LEAP_CTRL_DEPTH, wc);
	printf("%d of another's %d slabs came first\n", nr, LEAP_CTRL_DEPTH - 1);
	if (nr > LEAP_CTRL_DEPTH / 2)
		die("whoever asks for much is served first");
	leave(b);
	vanish(hog);
}

static void set_known_id(struct borrower *b)
{
	memset(b->hello.client_id, 0x11, LEAP_CLIENT_ID_LEN);
}

/*
 * All the places that one machine gets. The first has an id that is known, and
 * a slab if it is to stay.
 */
void crowd(void)
{
	struct borrower *all[CROWD];
	unsigned int nr = 0;
	bool refused;

	do {
		all[nr] = make_borrower();
		if (!nr)
			set_known_id(all[nr]);
		refused = !open_control(all[nr]);
	} while (!refused && ++nr < CROWD);
	if (!refused || all[nr]->refusal.code != LEAP_REFUSED_FULL)
		die("%u clients from one machine", nr);
	printf("refused: %u clients from one machine: %s\n", nr, all[nr]->refusal.text);
	vanish(all[nr]);
	if (!strcmp(how, "hold")) {
		borrow(all[0]);
		puts("holding");
		fflush(stdout);
		while (getchar() != EOF)
			;
		capacity(all[0]);
	}
	while (nr)
		vanish(all[--nr]);
}

/* From another machine, while the one with that id is there. */
void steal(void)
{
	struct borrower *b = make_borrower();

	set_known_id(b);
	if (open_control(b) || b->refusal.code != LEAP_REFUSED_TOKEN)
		die("another machine's client can be thrown out");
	printf("refused: %s\n", b->refusal.text);
	vanish(b);
}
