/* SPDX-License-Identifier: GPL-2.0 */
/* As much of io_uring as the cases need, on the bare system calls. */
#ifndef URING_H
#define URING_H

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "ktap.h"

#define URING_ENTRIES 128

struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned int queued;
};

static inline char *uring_map(int fd, size_t size, off_t offset)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, offset);

	REQUIRE(at != MAP_FAILED, "mmap of the ring: %m");
	return at;
}

static inline void uring_open(struct uring *ring)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	ring->queued = 0;
	ring->fd = syscall(SYS_io_uring_setup, URING_ENTRIES, &p);
	if (ring->fd < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP("no io_uring here: %m");
	REQUIRE(ring->fd >= 0, "io_uring_setup: %m");

	sq = uring_map(ring->fd, p.sq_off.array +
		       p.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	cq = uring_map(ring->fd, p.cq_off.cqes +
		       p.cq_entries * sizeof(struct io_uring_cqe),
		       IORING_OFF_CQ_RING);
	ring->sqes = (void *)uring_map(ring->fd, p.sq_entries *
				       sizeof(struct io_uring_sqe),
				       IORING_OFF_SQES);
	ring->sq_tail = (void *)(sq + p.sq_off.tail);
	ring->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring->sq_array = (void *)(sq + p.sq_off.array);
	ring->cq_head = (void *)(cq + p.cq_off.head);
	ring->cq_tail = (void *)(cq + p.cq_off.tail);
	ring->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring->cqes = (void *)(cq + p.cq_off.cqes);
}

/* The next entry to fill in; its user data is DATA. */
static inline struct io_uring_sqe *uring_next(struct uring *ring, int op,
					      int fd, uint64_t data)
{
	unsigned int tail = *ring->sq_tail, index = tail & *ring->sq_mask;
	struct io_uring_sqe *sqe = &ring->sqes[index];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->user_data = data;
	ring->sq_array[index] = index;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	ring->queued++;
	return sqe;
}

/* A read or a write. */
static inline struct io_uring_sqe *uring_io(struct uring *ring, int op, int fd,
					    const void *buf, size_t len,
					    uint64_t data)
{
	struct io_uring_sqe *sqe = uring_next(ring, op, fd, data);

	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	sqe->off = -1;		/* the file has no position */
	return sqe;
}

/* Submits what is queued, then waits until COUNT completions are there. */
static inline void uring_enter(struct uring *ring, unsigned int count)
{
	int flags = count ? IORING_ENTER_GETEVENTS : 0;
	int n = syscall(SYS_io_uring_enter, ring->fd, ring->queued, count,
			flags, NULL, 0);

	REQUIRE(n == (int)ring->queued, "io_uring_enter returned %d of %u (%m)",
		n, ring->queued);
	ring->queued = 0;
}

/* Takes one completion, if there is one. */
static inline int uring_reap(struct uring *ring, uint64_t *data, int *res)
{
	unsigned int head = *ring->cq_head;
	struct io_uring_cqe *cqe = &ring->cqes[head & *ring->cq_mask];

	if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		return 0;
	*data = cqe->user_data;
	*res = cqe->res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return 1;
}

#endif
