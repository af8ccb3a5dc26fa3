// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that fails.
 *
 * A client's memory that can be touched in part only, without a process whose
 * memory it is; and allocations of the calling task of which the n-th fails, or
 * that are counted.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "fake_memory.h"

/* A page in an array whose second page is missing. */
struct fake_memory {
	struct xarray pages;
	struct page *page;
};

static void fake_memory_release(void *data)
{
	struct fake_memory *memory = data;

	xa_destroy(&memory->pages);
	__free_page(memory->page);
}

/**
 * fake_memory_iter() - an iterator that gets stuck
 * @test: the test it belongs to
 * @iter: the iterator
 * @direction: ITER_SOURCE or ITER_DEST
 * @good: bytes at its beginning that can be copied, less than a page
 * @len: all its bytes
 *
 * Copying stops there as it does where the memory of a process faults.
 *
 * Context: The test's own thread.
 * Return: Where the good bytes are, until the test ends.
 */
void *fake_memory_iter(struct kunit *test, struct iov_iter *iter,
		       unsigned int direction, size_t good, size_t len)
{
	struct fake_memory *memory;
	void *stored;

	memory = kunit_kzalloc(test, sizeof(*memory), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	memory->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, memory->page);
	xa_init(&memory->pages);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							fake_memory_release,
							memory), 0);
	stored = xa_store(&memory->pages, 0, memory->page, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, xa_is_err(stored));
	iov_iter_xarray(iter, direction, &memory->pages, PAGE_SIZE - good, len);
	return page_address(memory->page) + PAGE_SIZE - good;
}

/**
 * fake_memory_bad_iter() - an iterator over addresses that no process can have
 * @iter: the iterator
 * @direction: ITER_SOURCE or ITER_DEST
 * @len: its bytes
 *
 * Context: Any.
 */
void fake_memory_bad_iter(struct iov_iter *iter, unsigned int direction,
			  size_t len)
{
	iov_iter_ubuf(iter, direction, (void __user *)-PAGE_SIZE, len);
}

#if IS_ENABLED(CONFIG_FAILSLAB)

/*
 * Unless user space has said otherwise, failslab spares allocations that may
 * reclaim. The mask is the kernel's own way to forbid reclaim; modules cannot
 * reach it.
 */
static void fake_memory_allow_reclaim(bool allow)
{
#if IS_BUILTIN(CONFIG_XENSTORE_KUNIT_TEST)
	if (allow)
		gfp_allowed_mask |= __GFP_DIRECT_RECLAIM;
	else
		gfp_allowed_mask &= ~__GFP_DIRECT_RECLAIM;
#endif
}

/**
 * fake_memory_fail_nth() - let one of the next allocations fail
 * @n: 1 for the next one of this task that is allowed to fail
 *
 * To be followed by fake_memory_has_failed().
 *
 * Context: Process.
 */
void fake_memory_fail_nth(unsigned int n)
{
	fake_memory_allow_reclaim(false);
	current->fail_nth = n;
}

/**
 * fake_memory_has_failed() - end what fake_memory_fail_nth() began
 *
 * Context: Process.
 * Return: true if an allocation has failed.
 */
bool fake_memory_has_failed(void)
{
	bool failed = !current->fail_nth;

	current->fail_nth = 0;
	fake_memory_allow_reclaim(true);
	return failed;
}

/**
 * fake_memory_pause() - let no allocation fail and count none
 *
 * For a fake that works in the task of who calls it.
 *
 * Context: Process.
 * Return: For fake_memory_go_on().
 */
unsigned int fake_memory_pause(void)
{
	unsigned int n = current->fail_nth;

	current->fail_nth = 0;
	return n;
}

/**
 * fake_memory_go_on() - end what fake_memory_pause() began
 * @n: what that returned
 *
 * Context: Process.
 */
void fake_memory_go_on(unsigned int n)
{
	current->fail_nth = n;
}

/* More allocations than any test counts. */
#define FAKE_MEMORY_COUNT	1000000

/**
 * fake_memory_count() - count the allocations of this task from here on
 *
 * Those that must not fail are left out. To be followed by
 * fake_memory_counted(), and not nested.
 *
 * Context: Process.
 */
void fake_memory_count(void)
{
	fake_memory_fail_nth(FAKE_MEMORY_COUNT);
}

static unsigned int fake_memory_stop(void)
{
	unsigned int n = FAKE_MEMORY_COUNT - current->fail_nth;

	fake_memory_has_failed();
	return n;
}

/**
 * fake_memory_counted() - end what fake_memory_count() began
 *
 * Context: Process.
 * Return: Number of allocations.
 */
unsigned int fake_memory_counted(void)
{
	unsigned int n = fake_memory_stop();

	/* kmemleak allocates, too, each time that somebody else does. */
	fake_memory_count();
	kfree(kmalloc(16, GFP_KERNEL));
	return n / fake_memory_stop();
}

#else

void fake_memory_fail_nth(unsigned int n)
{
}

bool fake_memory_has_failed(void)
{
	return false;
}

unsigned int fake_memory_pause(void)
{
	return 0;
}

void fake_memory_go_on(unsigned int n)
{
}

void fake_memory_count(void)
{
}

unsigned int fake_memory_counted(void)
{
	return 0;
}

#endif

/**
 * fake_memory_can_fail() - can allocations of this kernel be made to fail?
 *
 * Context: Process, may sleep.
 * Return: true if fake_memory_fail_nth() works.
 */
bool fake_memory_can_fail(void)
{
	void *probe;

	fake_memory_fail_nth(1);
	probe = kmalloc(16, GFP_KERNEL | __GFP_NOWARN);
	fake_memory_has_failed();
	kfree(probe);
	return !probe;
}
