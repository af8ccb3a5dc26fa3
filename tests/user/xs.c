// SPDX-License-Identifier: GPL-2.0
/* See xs.h. */
#include <sys/mman.h>

#include "xs.h"

/* === A run === */

static void xs_tidy(const char *device)
{
	int fd = xs_open(device, 0);

	xs_rm(fd, XS_DIR);
	close(fd);
}

int xs_main(int argc, char **argv, const struct ktap_case *cases,
	    size_t count)
{
	ktap_device = "/dev/xen/xenbus";
	ktap_tidy = xs_tidy;
	return ktap_main(argc, argv, cases, count);
}

int xs_open(const char *device, int flags)
{
	int fd = open(device, O_RDWR | O_CLOEXEC | flags);

	REQUIRE(fd >= 0, "open %s: %m", device);
	return fd;
}

void xs_set_nonblock(int fd, bool on)
{
	REQUIRE(!fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0), "F_SETFL: %m");
}

/* === Bytes === */

/* Puts one message into BUF and returns its size. */
size_t xs_build(char *buf, uint32_t type, uint32_t req_id, uint32_t tx_id,
		const void *body, size_t len)
{
	struct xs_hdr hdr = { type, req_id, tx_id, len };

	memcpy(buf, &hdr, sizeof(hdr));
	memcpy(buf + sizeof(hdr), body, len);
	return sizeof(hdr) + len;
}

/* The same for a payload that is one string with its NUL. */
size_t xs_build_str(char *buf, uint32_t type, uint32_t req_id, uint32_t tx_id,
		    const char *s)
{
	return xs_build(buf, type, req_id, tx_id, s, strlen(s) + 1);
}

void xs_put(int fd, const char *buf, size_t len)
{
	ssize_t done = write(fd, buf, len);

	REQUIRE(done == (ssize_t)len, "write of %zu returned %zd: %s", len,
		done, done < 0 ? strerror(errno) : "short");
}

void xs_get(int fd, void *buf, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, (char *)buf + have, len - have);

		REQUIRE(got > 0, "read of %zu returned %zd: %s", len - have,
			got, got < 0 ? strerror(errno) : "end of file");
		have += got;
	}
}

/* The end of a page of memory: what follows can be neither read nor written. */
void *xs_guarded_page(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(at != MAP_FAILED, "mmap: %m");
	REQUIRE(!mprotect(at + page, page, PROT_NONE), "mprotect: %m");
	return at + page;
}

/* === Messages out === */

void xs_send(int fd, uint32_t type, uint32_t req_id, uint32_t tx_id,
	     const void *body, size_t len)
{
	char buf[XS_MESSAGE_MAX];

	xs_put(fd, buf, xs_build(buf, type, req_id, tx_id, body, len));
}

void xs_send_str(int fd, uint32_t type, uint32_t req_id, uint32_t tx_id,
		 const char *s)
{
	xs_send(fd, type, req_id, tx_id, s, strlen(s) + 1);
}

void xs_send_write(int fd, uint32_t req_id, uint32_t tx_id, const char *path,
		   const void *value, size_t len)
{
	char body[XS_PAYLOAD_MAX];
	size_t skip = strlen(path) + 1;

	REQUIRE(skip + len <= sizeof(body), "value too long for a message");
	memcpy(body, path, skip);
	memcpy(body + skip, value, len);
	xs_send(fd, XS_WRITE, req_id, tx_id, body, skip + len);
}

/* WATCH and UNWATCH carry a path and a token. */
void xs_send_watch(int fd, uint32_t type, uint32_t req_id, const char *path,
		   const char *token)
{
	char body[XS_PAYLOAD_MAX];
	int len = snprintf(body, sizeof(body), "%s%c%s", path, 0, token);

	REQUIRE(len < (int)sizeof(body), "watch too long for a message");
	xs_send(fd, type, req_id, 0, body, len + 1);
}

/* === Messages in === */

void xs_recv(int fd, struct xs_msg *msg)
{
	xs_get(fd, &msg->hdr, sizeof(msg->hdr));
	REQUIRE(msg->hdr.len <= XS_PAYLOAD_MAX,
		"type %u, request %u: payload of %u bytes", msg->hdr.type,
		msg->hdr.req_id, msg->hdr.len);
	if (msg->hdr.len)
		xs_get(fd, msg->body, msg->hdr.len);
	msg->body[msg->hdr.len] = 0;
}

/* Receives one message, which must be the reply of TYPE to REQ_ID. */
void xs_expect(int fd, struct xs_msg *msg, uint32_t type, uint32_t req_id)
{
	xs_recv(fd, msg);
	REQUIRE(msg->hdr.type == type && msg->hdr.req_id == req_id,
		"reply type %u to request %u (%.40s), not type %u to %u",
		msg->hdr.type, msg->hdr.req_id, msg->body, type, req_id);
}

void xs_expect_error(int fd, uint32_t req_id, const char *name)
{
	struct xs_msg msg;

	xs_expect(fd, &msg, XS_ERROR, req_id);
	REQUIRE(!strcmp(msg.body, name), "error %s, not %s", msg.body, name);
}

void xs_expect_event(int fd, const char *path, const char *token)
{
	struct xs_msg msg;
	size_t len = strlen(path) + 1;

	xs_expect(fd, &msg, XS_WATCH_EVENT, 0);
	REQUIRE(!msg.hdr.tx_id, "event of transaction %u", msg.hdr.tx_id);
	REQUIRE(msg.hdr.len == len + strlen(token) + 1 &&
		!strcmp(msg.body, path) && !strcmp(msg.body + len, token),
		"event of %u bytes for %.200s, not for %.200s", msg.hdr.len,
		msg.body, path);
}

/* Nothing is unread: what the server sent has arrived when a ping has. */
void xs_expect_nothing(int fd)
{
	xs_ping(fd, 0xfeed);
	REQUIRE(!xs_poll(fd, POLLIN, 0), "there is something left to read");
}

/* === Requests and their replies === */

/* A limit of the server that somebody's end will lift soon. */
static bool xs_is_quota(const struct xs_msg *msg)
{
	return msg->hdr.type == XS_ERROR &&
	       (!strcmp(msg->body, "ENOSPC") || !strcmp(msg->body, "E2BIG") ||
		!strcmp(msg->body, "EQUOTA"));
}

/*
 * Starts a transaction and returns its id. In a guest few may be open, and
 * those of a file that was closed end in the background.
 */
uint32_t xs_begin(int fd, uint32_t req_id)
{
	double end = ktap_now() + SOON_MS / 1000.0;
	struct xs_msg msg;

	do {
		xs_send_str(fd, XS_TRANSACTION_START, req_id, 0, "");
		xs_recv(fd, &msg);
	} while (xs_is_quota(&msg) && ktap_now() < end);
	REQUIRE(msg.hdr.type == XS_TRANSACTION_START &&
		msg.hdr.req_id == req_id, "type %u, request %u, %.40s",
		msg.hdr.type, msg.hdr.req_id, msg.body);
	return strtoul(msg.body, NULL, 10);
}

/* HOW is "T" or "F"; it must succeed. */
void xs_end(int fd, uint32_t tx_id, const char *how)
{
	struct xs_msg msg;

	xs_send_str(fd, XS_TRANSACTION_END, 0xe0d, tx_id, how);
	xs_expect(fd, &msg, XS_TRANSACTION_END, 0xe0d);
}

/* A request that anyone may make: proves that the file still works. */
void xs_ping(int fd, uint32_t req_id)
{
	struct xs_msg msg;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, req_id, 0, "0");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, req_id);
}

void xs_set(int fd, const char *path, const char *value)
{
	struct xs_msg msg;

	xs_send_write(fd, 0x5e7, 0, path, value, strlen(value));
	xs_expect(fd, &msg, XS_WRITE, 0x5e7);
}

/* Whether it was there or not. */
void xs_rm(int fd, const char *path)
{
	struct xs_msg msg;

	xs_send_str(fd, XS_RM, 0xde1, 0, path);
	xs_recv(fd, &msg);
	REQUIRE(msg.hdr.type == XS_RM || !strcmp(msg.body, "ENOENT"),
		"rm %s: type %u, %.40s", path, msg.hdr.type, msg.body);
}

/* Returns when both the reply and the first event have been read. */
void xs_watch(int fd, const char *path, const char *token)
{
	double end = ktap_now() + SOON_MS / 1000.0;
	int replies = 0, events = 0;
	struct xs_msg msg;

	xs_send_watch(fd, XS_WATCH, 0x3a7, path, token);
	while (!replies || !events) {
		xs_recv(fd, &msg);
		if (xs_is_quota(&msg) && ktap_now() < end) {
			xs_send_watch(fd, XS_WATCH, 0x3a7, path, token);
			continue;
		}
		REQUIRE(msg.hdr.type == XS_WATCH_EVENT ||
			(msg.hdr.type == XS_WATCH && msg.hdr.req_id == 0x3a7),
			"type %u, request %u (%.40s)", msg.hdr.type,
			msg.hdr.req_id, msg.body);
		*(msg.hdr.type == XS_WATCH ? &replies : &events) += 1;
	}
}

/* === Poll and limits === */

/* What of EVENTS there is, at the latest after MS milliseconds. */
int xs_poll(int fd, int events, int ms)
{
	struct pollfd poller = { .fd = fd, .events = events };
	int n = poll(&poller, 1, ms);

	REQUIRE(n >= 0, "poll: %m");
	return n ? poller.revents : 0;
}

static FILE *xs_open_limit(const char *name, const char *mode)
{
	static const char *const modules[] = { "xenstore_loop", "xenbus" };
	FILE *file = NULL;
	char path[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modules) && !file; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/max_%s",
			 modules[i], name);
		file = fopen(path, mode);
	}
	REQUIRE(file, "parameter max_%s of the driver: %m", name);
	return file;
}

/* A parameter of the driver, "requests" for max_requests. */
unsigned int xs_limit(const char *name)
{
	FILE *file = xs_open_limit(name, "re");
	unsigned int limit;

	REQUIRE(fscanf(file, "%u", &limit) == 1, "max_%s: no number", name);
	fclose(file);
	return limit;
}

/* For all files; whoever changes it shall change it back. */
void xs_set_limit(const char *name, unsigned int limit)
{
	FILE *file = xs_open_limit(name, "we");

	fprintf(file, "%u\n", limit);
	REQUIRE(!fclose(file), "max_%s: %m", name);
}

/* Writes BUF until a non-blocking file takes no more; returns how often. */
static unsigned int xs_repeat(int fd, const char *buf, size_t len)
{
	unsigned int limit = xs_limit("requests"), count = 0;
	ssize_t done;

	while ((done = write(fd, buf, len)) == (ssize_t)len) {
		count++;
		REQUIRE(count <= limit, "more than %u requests taken", limit);
	}
	REQUIRE(done == -1 && errno == EAGAIN,
		"write %u returned %zd (%m)", count, done);
	return count;
}

/* With pings, of which many are in flight at the end. */
unsigned int xs_fill(int fd)
{
	char buf[64];

	return xs_repeat(fd, buf, xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0,
					       "0"));
}

/* With what the driver refuses itself, so that nothing more will come. */
unsigned int xs_fill_unread(int fd)
{
	char buf[64];

	return xs_repeat(fd, buf, xs_build_str(buf, XS_TRANSACTION_END, 1, 0,
					       "F"));
}

/* === Other processes === */

/*
 * Waits until PID, a process or a thread, sleeps where a signal can wake it.
 * It must not sleep anywhere but where the case wants it.
 */
void xs_wait_asleep(pid_t pid)
{
	double end = ktap_now() + SOON_MS / 1000.0;
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (ktap_now() < end) {
		file = fopen(path, "re");
		REQUIRE(file, "process %d is gone", pid);
		REQUIRE(fscanf(file, "%*d %*s %c", &state) == 1, "%s", path);
		fclose(file);
		if (state == 'S')
			return;
		REQUIRE(state != 'Z', "process %d has ended", pid);
		ktap_sleep_ms(1);
	}
	REQUIRE(0, "process %d does not sleep, its state is %c", pid, state);
}

/* A child of the case must end soon, and well. */
void xs_join(pid_t pid)
{
	int status = ktap_wait(pid, SOON_MS / 1000);

	REQUIRE(status != -1, "process %d does not end", pid);
	REQUIRE(!status, "process %d: status %#x", pid, status);
}
