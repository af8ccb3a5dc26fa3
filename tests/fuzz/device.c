// SPDX-License-Identifier: GPL-2.0
/*
 * Random clients of a device, and one that must not notice.
 *
 * device DEVICE SECONDS SEED [terminated]
 *
 * Children open files, write messages that are right, wrong or cut anywhere,
 * read, poll, close, fork, and are killed. Meanwhile this process reads one
 * node again and again and always gets the same value, soon. Whatever a child
 * does, SIGKILL ends it. Prints KTAP. A seed repeats what is written, not when.
 *
 * "terminated" for Xen's xenstored, at least up to 4.17, which ends with a failed
 * assertion if a path comes without its NUL at an unlucky moment: every message
 * that is long enough to reach it then has a path.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN	6
#define FILES		4
#define PAYLOAD_MAX	4096
/* No operation may take as long as that, in ms. */
#define PATIENCE	30000
#define CHILD_LIFE	2000

enum { DIRECTORY = 1, READ, GET_PERMS, WATCH, UNWATCH, START, END,
       GET_DOMAIN_PATH = 10, WRITE, MKDIR, RM, SET_PERMS, WATCH_EVENT, ERROR,
       RESET_WATCHES = 21, DIRECTORY_PART };

struct header {
	uint32_t type, id, tx, len;
};

struct message {
	struct header hdr;
	char body[PAYLOAD_MAX + 1];
};

/* Shared with the children. */
static struct {
	unsigned long messages, bytes_in, bytes_out, opened;
	int ready[CHILDREN];
} *count;

static const char *device;
static int terminated;
static pid_t parent;

/* === What both need === */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % below;
}

static size_t put(struct message *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append to the body; a '%c' of 0 separates strings. */
static size_t put(struct message *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	m->hdr.len += vsnprintf(m->body + m->hdr.len,
				PAYLOAD_MAX - m->hdr.len, format, args);
	va_end(args);
	return sizeof(m->hdr) + m->hdr.len;
}

/* === The random clients === */

static uint32_t txns[8];

/* A message that a server can make sense of. */
static size_t valid(struct message *m)
{
	static const uint8_t types[] = {
		DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, UNWATCH, START, END,
		GET_DOMAIN_PATH, WRITE, WRITE, MKDIR, RM, RESET_WATCHES,
		DIRECTORY_PART,
	};

	m->hdr = (struct header){ .type = types[rnd(sizeof(types))],
				  .id = rnd(1000) };
	if (!rnd(4))
		m->hdr.tx = txns[rnd(8)];
	switch (m->hdr.type) {
	case START:
	case RESET_WATCHES:
		m->hdr.tx = 0;
		return put(m, "%c", 0);
	case END:
		m->hdr.tx = txns[rnd(8)];
		return put(m, "%c%c", "TF"[rnd(2)], 0);
	case GET_DOMAIN_PATH:
		return put(m, "0%c", 0);
	}
	put(m, "/fuzz/%u/%c%c", rnd(8), 'a' + rnd(4), 0);
	if (m->hdr.type == WATCH || m->hdr.type == UNWATCH)
		put(m, "token%u%c", rnd(4), 0);
	else if (m->hdr.type == WRITE)
		put(m, "%*u", rnd(8) ? 8 : 2048, rnd(1000));
	else if (m->hdr.type == DIRECTORY_PART)
		put(m, "0%c", 0);
	return sizeof(m->hdr) + m->hdr.len;
}

static size_t corrupt(struct message *m)
{
	static const uint32_t lengths[] = { 4097, 65536, ~0U, 0, 1, 4095, 4096 };
	size_t len = valid(m), n = rnd(8) + 1;

	switch (rnd(5)) {
	case 0:
		m->hdr.len = lengths[rnd(terminated ? 3 : 7)];
		if (m->hdr.len <= PAYLOAD_MAX)
			len = sizeof(m->hdr) + m->hdr.len;
		break;
	case 1:
		m->hdr.type = 23 + rnd(1000);
		break;
	case 2:
		m->hdr.tx = rnd(1000);
		break;
	case 3:
		m->hdr.type = rnd(2) ? WATCH_EVENT : ERROR;
		break;
	case 4:
		/* Not in the first bytes: a path stays below /fuzz. */
		while (n--)
			m->body[6 + rnd(terminated ? 3 : 20)] = rnd(255) + 1;
	}
	return len;
}

/* Signals interrupt what blocks, in some children. */
static void nothing(int sig)
{
	(void)sig;
}

static void interrupt(unsigned int ms)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Is what has been written whole? */
static int child_write(int fd)
{
	static char batch[4 * sizeof(struct message)];
	size_t len = 0, done = 0;
	struct message m = {};
	int n = rnd(4) + 1;

	while (n--) {
		size_t size = rnd(10) ? valid(&m) : corrupt(&m);

		memcpy(batch + len, &m, size);
		len += size;
	}
	/* Mostly whole, otherwise in pieces, the last perhaps missing. */
	while (done < len && rnd(50)) {
		size_t size = rnd(3) ? len - done : rnd(len - done) + 1;
		struct iovec parts[2] = { { batch + done, size / 2 },
					  { batch + done + size / 2,
					    size - size / 2 } };
		ssize_t got = writev(fd, parts, 2);

		if (got <= 0)
			break;
		done += got;
		count->bytes_out += got;
	}
	count->messages += done == len;
	return done == len;
}

/* Remember the transactions that were started, wherever they are in there. */
static void learn(const char *bytes, ssize_t len)
{
	struct header hdr;

	for (; len > (ssize_t)sizeof(hdr); bytes++, len--) {
		memcpy(&hdr, bytes, sizeof(hdr));
		if (hdr.type == START && hdr.len < 12 && !hdr.tx)
			txns[rnd(8)] = atoi(bytes + sizeof(hdr));
	}
}

static void child_read(int fd)
{
	static char bytes[3 * sizeof(struct message)];
	ssize_t got = read(fd, bytes, rnd(3) ? sizeof(bytes) - 1 : rnd(40));

	if (got <= 0)
		return;
	bytes[got] = 0;
	count->bytes_in += got;
	learn(bytes, got);
}

static void child_step(int *fd)
{
	struct pollfd p = { .fd = *fd, .events = rnd(8) };

	if (*fd < 0) {
		*fd = open(device, O_RDWR | (rnd(2) ? O_NONBLOCK : 0));
		count->opened++;
		return;
	}
	switch (rnd(11)) {
	default:
		if (child_write(*fd) || !terminated)
			break;
		/* What is written next would become a part of it. */
		close(*fd);
		*fd = -1;
		break;
	case 5 ... 8:
		child_read(*fd);
		break;
	case 9:
		poll(&p, 1, rnd(3));
		break;
	case 10:
		if (rnd(4))
			break;
		close(*fd);
		*fd = -1;
		break;
	}
}

/*
 * Some have a child of their own, which shares a file and dies with them. They
 * are not killed before: in user-mode Linux 6.12 a fork that is killed half way
 * is the end of the kernel.
 */
static void multiply(int *fd)
{
	/* Two writers may cut each other's messages. */
	if (!terminated && !rnd(4)) {
		child_step(fd);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent)
				_exit(0);
			state += 0x9e3779b97f4a7c15;
		}
	}
}

static void child(uint64_t seed, volatile int *ready)
{
	int fds[FILES] = { -1, -1, -1, -1 };

	state = seed * 0x9e3779b97f4a7c15 + 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	multiply(&fds[0]);
	*ready = 1;
	if (rnd(3))
		interrupt(rnd(30) + 1);
	/* Some leave by themselves. */
	while (rnd(5000))
		child_step(&fds[rnd(FILES)]);
	_exit(0);
}

/* === Their parent === */

static struct {
	pid_t pid;
	uint64_t until;
} children[CHILDREN];

static uint64_t slowest_death, slowest_reply;
static unsigned long deaths;

static void start(unsigned int n, uint64_t seed, int mine)
{
	count->ready[n] = 0;
	children[n].pid = fork();
	if (!children[n].pid) {
		close(mine);
		child(seed, &count->ready[n]);
	}
	children[n].until = now() + rnd(CHILD_LIFE);
}

/* What children leave behind falls to this process and is dead, or soon. */
static int reap(void)
{
	uint64_t since = now();

	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		if (now() - since > PATIENCE)
			return -1;
		poll(NULL, 0, 1);
	}
	return 0;
}

static int end(unsigned int n)
{
	uint64_t since = now(), took;

	while (!*(volatile int *)&count->ready[n]) {
		if (now() - since > PATIENCE)
			return -1;
		poll(NULL, 0, 1);
	}
	since = now();
	kill(children[n].pid, SIGKILL);
	while (waitpid(children[n].pid, NULL, WNOHANG) == 0) {
		if (now() - since > PATIENCE)
			return -1;
		poll(NULL, 0, 1);
	}
	took = now() - since;
	if (took > slowest_death)
		slowest_death = took;
	deaths++;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return 0;
}

static int transfer(int fd, int events, char *bytes, size_t len)
{
	struct pollfd p = { .fd = fd, .events = events };
	ssize_t n;

	while (len) {
		if (poll(&p, 1, PATIENCE) != 1)
			return -1;
		n = events == POLLIN ? read(fd, bytes, len) :
		    write(fd, bytes, len);
		if (n <= 0)
			return -1;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int call(int fd, struct message *m, struct message *reply)
{
	uint64_t since = now(), took;

	if (transfer(fd, POLLOUT, (char *)m, sizeof(m->hdr) + m->hdr.len) ||
	    transfer(fd, POLLIN, (char *)&reply->hdr, sizeof(reply->hdr)) ||
	    reply->hdr.len > PAYLOAD_MAX ||
	    transfer(fd, POLLIN, reply->body, reply->hdr.len)) {
		printf("# no reply to %u: %m\n", m->hdr.id);
		return -1;
	}
	took = now() - since;
	if (took > slowest_reply)
		slowest_reply = took;
	if (reply->hdr.type == m->hdr.type && reply->hdr.id == m->hdr.id)
		return 0;
	reply->body[reply->hdr.len] = 0;
	printf("# type %u to %u (type %u to %u): %.40s\n", reply->hdr.type,
	       reply->hdr.id, m->hdr.type, m->hdr.id, reply->body);
	return -1;
}

/* The node that no child knows, first written, then read. */
static int bystander(int fd, uint32_t id)
{
	static const char value[] = "a value that stays";
	static struct message m, reply;

	m.hdr = (struct header){ .type = id ? READ : WRITE, .id = id };
	put(&m, "/bystander%c", 0);
	if (!id)
		put(&m, "%s", value);
	if (call(fd, &m, &reply))
		return -1;
	if (id && (reply.hdr.len != strlen(value) ||
		   memcmp(reply.body, value, reply.hdr.len)))
		return -1;
	if (id % 1000)
		return 0;
	/* What the children write must not fill the server. */
	m.hdr = (struct header){ .type = MKDIR, .id = id };
	put(&m, "/fuzz%c", 0);
	if (call(fd, &m, &reply))
		return -1;
	m.hdr.type = RM;
	return call(fd, &m, &reply);
}

static int failed, cases;

static void result(int good, const char *what)
{
	failed |= !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++cases, what);
}

static void report(unsigned long requests, int fine, int mortal)
{
	printf("KTAP version 1\n");
	printf("# %lu messages, %lu bytes written, %lu read, %lu files\n",
	       count->messages, count->bytes_out, count->bytes_in,
	       count->opened);
	printf("# bystander: %lu requests, slowest %llu ms\n", requests,
	       (unsigned long long)slowest_reply);
	printf("# %lu children killed, slowest %llu ms\n", deaths,
	       (unsigned long long)slowest_death);
	result(fine, "a bystander always reads the right value");
	result(mortal, "a client can be killed whatever it does");
}

int main(int argc, char **argv)
{
	uint64_t seed, until;
	int fd, fine, mortal = 1;
	uint32_t id = 0;
	unsigned int n;

	if (argc < 4)
		return 2;
	device = argv[1];
	terminated = argc > 4 && !strcmp(argv[4], "terminated");
	parent = getpid();
	until = now() + atoi(argv[2]) * 1000ULL;
	seed = strtoull(argv[3], NULL, 0) << 20;
	state = seed + 1;
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fd = open(device, O_RDWR);
	if (fd < 0 || count == MAP_FAILED) {
		perror(device);
		return 2;
	}
	fine = !bystander(fd, id++);
	for (n = 0; n < CHILDREN; n++)
		start(n, seed++, fd);
	while (fine && mortal && now() < until) {
		fine = !bystander(fd, id++);
		n = rnd(CHILDREN);
		if (now() < children[n].until)
			continue;
		mortal = !end(n);
		start(n, seed++, fd);
	}
	for (n = 0; n < CHILDREN; n++)
		mortal &= !end(n);
	mortal = mortal && !reap();
	fine = fine && !bystander(fd, id++);
	report(id, fine, mortal);
	return failed;
}
